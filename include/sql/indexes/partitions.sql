-- The partitions of a table; none where it is not partitioned.
select namespaces.nspname as schema, partitions.relname as name
from pg_catalog.pg_inherits
join pg_catalog.pg_class as partitions on partitions.oid = inhrelid
join pg_catalog.pg_namespace as namespaces on namespaces.oid = partitions.relnamespace
where inhparent = to_regclass(%(table_name)s)
order by partitions.relname;
