-- What the rows' keys need, by the planner's statistics, beside what the index takes: 12 bytes of header and pointer a
-- row, keys to 8 bytes, leaves filled to nine tenths. Null where the planner knows nothing of a key.
select
    case
        when count(*) = count(known.avg_width) and pg_relation_size(indexes.oid) > 0 then
            greatest(0, 1 - max(indexes.reltuples) * (12 + 8 * ceil(sum(known.avg_width) / 8.0)) / 0.9
                / pg_relation_size(indexes.oid))
    end
from pg_catalog.pg_class as indexes
join pg_catalog.pg_index as found on found.indexrelid = indexes.oid
join pg_catalog.pg_class as tables on tables.oid = found.indrelid
join pg_catalog.pg_namespace as namespaces on namespaces.oid = tables.relnamespace
cross join unnest(found.indkey::smallint[]) as keys (attribute)
left join pg_catalog.pg_attribute as attributes on attributes.attrelid = tables.oid and attributes.attnum = keys.attribute
left join pg_catalog.pg_stats as known
    on known.schemaname = namespaces.nspname and known.tablename = tables.relname and known.attname = attributes.attname
where indexes.oid = to_regclass(%(index_name)s)
group by indexes.oid;
