-- The user to whom playlists belong, with the id that the sync computes. One who is there keeps the name they have.
insert into public.users (id, spotify_user_id, username)
values (%(user_id)s, %(username)s, %(username)s)
on conflict do nothing
