-- Playlists and preferences go with the row.
delete from public.users where id = %(user_id)s;
