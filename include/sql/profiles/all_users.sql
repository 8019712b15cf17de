-- Everyone who may have a profile, and everyone whose profile has to go.
select user_id
from (
    (select id as user_id from public.users where %(after)s::uuid is null or id > %(after)s::uuid order by id limit %(users)s)
    union
    (
        select user_id from echotune.profile_changes
        where %(after)s::uuid is null or user_id > %(after)s::uuid order by user_id limit %(users)s
    )
) as candidates
order by user_id
limit %(users)s
