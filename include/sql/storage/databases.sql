-- The sizes of this database, and of the others of the server that this login may connect to: they share its disk.
select
    coalesce(sum(pg_catalog.pg_database_size(oid)) filter (where datname = pg_catalog.current_database()), 0)::bigint as own,
    coalesce(sum(pg_catalog.pg_database_size(oid)) filter (where datname <> pg_catalog.current_database()), 0)::bigint as others
from pg_catalog.pg_database
where pg_catalog.has_database_privilege(oid, 'connect');
