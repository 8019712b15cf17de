select exists (
    select from unnest(%(names)s::text[]) as names (name)
    where not exists (select from public.users where users.spotify_user_id = names.name)
);
