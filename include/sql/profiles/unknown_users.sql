-- Those of some ids that are no user's. A user whose deletion is on its way to MongoDB counts as known.
select asked.user_id
from unnest(%(users)s::uuid[]) as asked (user_id)
where not exists (select from public.users where users.id = asked.user_id)
    and not exists (
        select from echotune.profile_changes as changes
        where changes.user_id = asked.user_id and changes.version > changes.synced_version
    )
