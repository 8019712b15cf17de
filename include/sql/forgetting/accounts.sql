-- What hangs on no Spotify user: accounts to sign in with, and rows that merely bear the name.
select
    (select count(*) from public.users where id = %(user_id)s and auth_user_id is not null) as sign_ins,
    (select count(*) from public.users where username = %(username)s and spotify_user_id is null) as namesakes;
