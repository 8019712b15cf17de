select
    (select count(*) from public.listening_history where user_id = %(user_id)s) as plays,
    (select count(*) from public.playlists where user_id = %(user_id)s) as playlists,
    (select count(*) from public.user_preferences where user_id = %(user_id)s) as preferences,
    (select count(*) from public.users where id = %(user_id)s) as users,
    (select count(*) from echotune.profile_changes where user_id = %(user_id)s) as profile_changes;
