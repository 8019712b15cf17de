-- The playlists of which there is no row yet.
insert into public.playlists (id, user_id, spotify_playlist_id, name, description, public)
select told.id, %(user_id)s, told.spotify_id, told.name, told.description, told.public
from unnest(
    %(ids)s::uuid[], %(spotify_ids)s::text[], %(names)s::text[], %(descriptions)s::text[], %(public)s::boolean[]
) as told (id, spotify_id, name, description, public)
where not exists (
    select from public.playlists as known
    where known.user_id = %(user_id)s and known.spotify_playlist_id = told.spotify_id
)
on conflict (id) do nothing
