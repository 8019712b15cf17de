-- The schema of pgstattuple, where the extension is there and may be used.
select namespaces.nspname
from pg_catalog.pg_extension
join pg_catalog.pg_namespace as namespaces on namespaces.oid = extnamespace
where
    extname = 'pgstattuple'
    and has_function_privilege(format('%I.pgstatindex(regclass)', namespaces.nspname), 'execute');
