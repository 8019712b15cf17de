-- What a check asks of PostgreSQL: the user's rights, and what is set up already.
select
    current_setting('server_version') as version,
    current_setting('server_version_num')::integer as version_number,
    exists (
        select from pg_catalog.pg_class
        where relname = 'migrations' and relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'echotune')
    ) as is_set_up,
    has_database_privilege(current_database(), 'create') as may_make_schemas,
    has_schema_privilege('public', 'create') as may_make_tables,
    (select rolcreaterole or rolsuper from pg_catalog.pg_roles where rolname = current_user) as may_make_roles,
    exists (select from pg_catalog.pg_roles where rolname = 'authenticated') as has_supabase_roles,
    coalesce(
        (select pg_has_role(current_user, oid, 'member') from pg_catalog.pg_roles where rolname = 'echotune_sync'), false
    ) as may_sync
