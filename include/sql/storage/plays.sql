-- When the newest play was, and how many there were in the twelve months up to it: by the index over user and time,
-- user by user.
with newest as materialized (
    select max(latest.played_at) as played_at
    from public.users
    cross join lateral (
        select plays.played_at
        from public.listening_history as plays
        where plays.user_id = users.id
        order by plays.played_at desc
        limit 1
    ) as latest
)

select
    newest.played_at as newest,
    (
        select count(*)
        from public.listening_history as plays
        where plays.played_at > (select newest.played_at - interval '12 months' from newest)
    ) as plays
from newest
where newest.played_at is not null;
