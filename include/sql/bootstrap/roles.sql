-- For a PostgreSQL that is not Supabase: the roles and the function that policies name, as Supabase has them, where
-- they are missing. Needs the right to create roles, and to create a schema in this database. Repeats harmlessly.

do $$
declare
    wanted text;
begin
    foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin noinherit', wanted);
            exception
                -- Roles belong to all databases of a server: another one was set up at the same moment.
                when duplicate_object or unique_violation then null;
            end;
        end if;
    end loop;
end;
$$;

do $$
begin
    if to_regnamespace('auth') is null then
        create schema auth;
        -- The owner of the database, who may be another role than the one that runs this, makes the policies.
        grant usage on schema auth to anon, authenticated, service_role, pg_database_owner;
    end if;
    if not exists (
        select from pg_catalog.pg_proc
        where pronamespace = to_regnamespace('auth') and proname = 'uid' and pronargs = 0
    ) then
        -- Who is signed in, from the verified token that the API server puts into the transaction.
        create function auth.uid() returns uuid
        language sql stable
        set search_path = ''
        as 'select coalesce(
            nullif(current_setting(''request.jwt.claim.sub'', true), ''''),
            nullif(current_setting(''request.jwt.claims'', true), '''')::jsonb ->> ''sub''
        )::uuid';
    end if;
end;
$$;
