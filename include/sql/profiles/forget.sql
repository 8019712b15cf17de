-- Users without a profile need no watermark, unless they changed again meanwhile.
with forgotten as (
    select changes.user_id
    from unnest(%(users)s::uuid[], %(versions)s::bigint[]) as written (user_id, version)
    join echotune.profile_changes as changes on changes.user_id = written.user_id and changes.version = written.version
    for update of changes skip locked
)
delete from echotune.profile_changes as changes
using forgotten
where changes.user_id = forgotten.user_id
