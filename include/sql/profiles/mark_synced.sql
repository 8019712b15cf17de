-- MongoDB has these versions. A row that is locked is being changed and so stays due: nobody waits for anybody.
with written as (
    select changes.user_id, written.version
    from unnest(%(users)s::uuid[], %(versions)s::bigint[]) as written (user_id, version)
    join echotune.profile_changes as changes on changes.user_id = written.user_id
    for update of changes skip locked
)
update echotune.profile_changes as changes
set synced_version = written.version, synced_at = clock_timestamp()
from written
where changes.user_id = written.user_id and changes.synced_version < written.version
