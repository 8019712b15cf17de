-- Every index of the platform's tables, whatever made it. Who builds an index holds a lock of this mode on its table.
select
    namespaces.nspname as schema,
    tables.relname as table_name,
    indexes.relname as name,
    indexes.relkind = 'I' as partitioned,
    parents.relname as parent,
    found.indisvalid as valid,
    found.indisunique as is_unique,
    exists (select from pg_catalog.pg_constraint where conindid = indexes.oid) as of_constraint,
    exists (
        select from pg_catalog.pg_locks
        where relation = tables.oid and mode = 'ShareUpdateExclusiveLock' and granted and pid <> pg_backend_pid()
    ) as table_is_worked_on,
    methods.amname as method,
    pg_get_indexdef(indexes.oid) as definition,
    found.indexprs is null and found.indpred is null as plain,
    array(
        select row(keys.attribute, found.indclass[keys.place], found.indcollation[keys.place], found.indoption[keys.place])::text
        from unnest(found.indkey::smallint[]) with ordinality as numbered (attribute, number)
        cross join lateral (select numbered.attribute, (numbered.number - 1)::integer as place) as keys
        where keys.place < found.indnkeyatts
        order by keys.place
    ) as keys,
    pg_relation_size(indexes.oid) as size_bytes,
    coalesce(pg_stat_get_numscans(indexes.oid), 0) as scans
from pg_catalog.pg_index as found
join pg_catalog.pg_class as indexes on indexes.oid = found.indexrelid
join pg_catalog.pg_class as tables on tables.oid = found.indrelid
join pg_catalog.pg_namespace as namespaces on namespaces.oid = tables.relnamespace
join pg_catalog.pg_am as methods on methods.oid = indexes.relam
left join pg_catalog.pg_inherits as inherits on inherits.inhrelid = indexes.oid
left join pg_catalog.pg_class as parents on parents.oid = inherits.inhparent
where namespaces.nspname in ('public', 'echotune')
order by namespaces.nspname, tables.relname, indexes.relname;
