-- What listeners' own Spotify accounts bring: plays whose duration Spotify does not tell, and playlists.

-- Nothing of the platform's rests on it: views only add it up.
-- squawk-ignore ban-drop-not-null
alter table public.listening_history alter column ms_played drop not null;

comment on column public.listening_history.ms_played is
'Milliseconds; null for a play of a listener''s account, of which only the export tells them. In views sums leave such plays out: order by ms_played desc nulls last';

-- No unique index over user and Spotify's id: applications may have written the same playlist twice, and a migration
-- that fails on their rows would stop the sync. Rows that are made here have computed ids.
grant insert (id, user_id, spotify_playlist_id, name, description, public) on public.playlists to echotune_sync;
grant update (name, description, public) on public.playlists to echotune_sync;
