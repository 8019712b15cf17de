-- What Spotify says of playlists that are there, whoever made their rows; a row that says the same is not touched.
update public.playlists as known
set name = told.name, description = told.description, public = told.public
from unnest(
    %(spotify_ids)s::text[], %(names)s::text[], %(descriptions)s::text[], %(public)s::boolean[]
) as told (spotify_id, name, description, public)
where
    known.user_id = %(user_id)s
    and known.spotify_playlist_id = told.spotify_id
    and (known.name, known.description, known.public) is distinct from (told.name, told.description, told.public)
