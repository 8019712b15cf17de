-- Whether migrations were recorded here, whether this login may change the schema, and as whom it is signed in.
select
    exists (
        select from pg_catalog.pg_class where relnamespace = pg_namespace.oid and relname = 'migrations'
    ) as recorded,
    coalesce(pg_has_role(current_user, nspowner, 'usage'), false) as may_change,
    current_user as login
from (select 'echotune'::name as nspname) as wanted
left join pg_catalog.pg_namespace using (nspname);
