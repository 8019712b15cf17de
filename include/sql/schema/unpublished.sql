-- Tables that Supabase should send live changes of and does not, and whether this login may mend that.
select
    wanted.name,
    pg_has_role(current_user, pubowner, 'usage') as may_publish
from pg_catalog.pg_publication
cross join unnest(array['playlists', 'user_preferences']) as wanted (name)
where
    pubname = 'supabase_realtime'
    and not exists (
        select
        from pg_catalog.pg_publication_tables as published
        where
            published.pubname = 'supabase_realtime'
            and published.schemaname = 'public'
            and published.tablename = wanted.name
    );
