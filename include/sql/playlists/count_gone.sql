-- Playlists of the user that came from Spotify and are not there any more. They stay: applications may rest on them.
select count(distinct known.spotify_playlist_id)
from public.playlists as known
where
    known.user_id = %(user_id)s
    and known.spotify_playlist_id is not null
    and known.spotify_playlist_id <> all(%(spotify_ids)s::text[])
