-- Who holds or awaits locks of a table and its partitions.
select distinct
    coalesce(nullif(sessions.application_name, ''), 'a session') || ' (process ' || locks.pid || ')' as holder
from pg_catalog.pg_locks as locks
left join pg_catalog.pg_stat_activity as sessions on sessions.pid = locks.pid
where
    locks.pid <> pg_backend_pid()
    and (
        locks.relation = to_regclass(%(table_name)s)
        or locks.relation in (
            select inhrelid from pg_catalog.pg_inherits where inhparent = to_regclass(%(table_name)s)
        )
    )
order by 1
limit 5;
