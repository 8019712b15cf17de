-- The size of each table in bytes, indexes included, partitions added up. Rows are the planner's estimate, and null
-- where a part that is not empty was never analysed.
with parts as (
    select
        relation.oid,
        relation.relkind,
        relation.reltuples,
        coalesce(pg_catalog.pg_partition_root(relation.oid)::oid, relation.oid) as root
    from pg_catalog.pg_class as relation
    where
        relation.relnamespace in (select oid from pg_catalog.pg_namespace where nspname in ('public', 'echotune'))
        and relation.relkind in ('r', 'm', 'p')
)

select
    namespace.nspname || '.' || root.relname as place,
    sum(pg_catalog.pg_total_relation_size(parts.oid))::bigint as total,
    sum(pg_catalog.pg_indexes_size(parts.oid))::bigint as indexes,
    case
        when bool_or(
            parts.relkind <> 'p' and parts.reltuples < 0 and pg_catalog.pg_relation_size(parts.oid) > 0
        ) then null
        else coalesce(sum(greatest(parts.reltuples, 0)) filter (where parts.relkind <> 'p'), 0)::bigint
    end as rows
from parts
inner join pg_catalog.pg_class as root on root.oid = parts.root
inner join pg_catalog.pg_namespace as namespace on namespace.oid = root.relnamespace
group by namespace.nspname, root.relname
order by total desc, place;
