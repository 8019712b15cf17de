-- Tables with rows of which the planner knows nothing, or of which more than a fifth changed since it looked. Nobody
-- but maintenance analyzes a partitioned table itself.
select
    schemaname as schema,
    relname as table_name,
    coalesce(last_analyze, last_autoanalyze) is null as never,
    n_mod_since_analyze as changed
from pg_catalog.pg_stat_user_tables
where
    schemaname in ('public', 'echotune')
    and case
        when coalesce(last_analyze, last_autoanalyze) is null then
            n_live_tup > 0
            or exists (
                select
                from pg_catalog.pg_inherits
                join pg_catalog.pg_stat_user_tables as partitions on partitions.relid = inhrelid
                where inhparent = pg_stat_user_tables.relid and partitions.n_live_tup > 0
            )
        else n_mod_since_analyze > greatest(n_live_tup / 5, 1000)
    end
order by 1, 2;
