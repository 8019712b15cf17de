-- What a Supabase project has, policies of this platform name, and this database lacks.
select 'the role ' || wanted.name
from unnest(array['anon', 'authenticated', 'service_role']) as wanted (name)
where not exists (select from pg_catalog.pg_roles where rolname = wanted.name)
union all
select 'the function auth.uid()'
where not exists (
    select
    from pg_catalog.pg_proc
    join pg_catalog.pg_namespace on pg_namespace.oid = pg_proc.pronamespace
    where nspname = 'auth' and proname = 'uid' and pronargs = 0
);
