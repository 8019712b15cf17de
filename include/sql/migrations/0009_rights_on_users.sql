-- The sync names users. Who signs in as whom, and their email, are the application's alone: with a right to the whole
-- row the sync's login could have tied a sign-in of its own to somebody's history.
revoke insert, update on public.users from echotune_sync;
grant insert (id, spotify_user_id, username), update (spotify_user_id) on public.users to echotune_sync;
