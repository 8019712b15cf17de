-- Who may do what. Row level security says which rows; grants say which actions and columns.
-- anon has no grant at all. A signed-in user has their own rows, the catalog, and playlists that are public.

-- The sync works as this role: members may set it, and it owns nothing.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'echotune_sync') then
        begin
            create role echotune_sync nologin;
        exception
            -- Roles belong to all databases of a server: another one was set up at the same moment.
            when duplicate_object or unique_violation then null;
        end;
    end if;
    -- From PostgreSQL 16 on, who creates a role may grant it and is no member yet.
    if not pg_catalog.pg_has_role(current_user, 'echotune_sync', 'usage') then
        grant echotune_sync to current_user;
    end if;
    -- PostgreSQL lets everybody make temporary tables, and some administrators take that away.
    execute format('grant temporary on database %I to echotune_sync', current_database());
end;
$$;

-- Supabase's default privileges give every new table to all of its roles: begin from nothing.
revoke all on
    public.users, public.playlists, public.user_preferences, public.artists, public.albums, public.tracks,
    public.track_artists, public.audio_features, public.listening_history
from public, anon, authenticated, service_role;

grant select, insert, update, delete on
    public.users, public.playlists, public.user_preferences, public.artists, public.albums, public.tracks,
    public.track_artists, public.audio_features, public.listening_history
to service_role;

grant select on public.users to authenticated;
grant insert (auth_user_id, email, username) on public.users to authenticated;
grant update (email) on public.users to authenticated;
grant select, insert, update, delete on public.playlists, public.user_preferences to authenticated;
grant select on
    public.artists, public.albums, public.tracks, public.track_artists, public.audio_features, public.listening_history
to authenticated;

grant select, insert, update, delete on
    public.artists, public.albums, public.tracks, public.track_artists, public.audio_features, public.listening_history
to echotune_sync;
grant select, insert, update on public.users to echotune_sync;
grant select on public.playlists, public.user_preferences to echotune_sync;

-- The private schema is the sync's alone.
revoke all on schema echotune from public;
revoke all on all tables in schema echotune from public;
-- Every function is everybody's unless that is taken away, for each function anew.
revoke all on all functions in schema echotune from public;
grant usage on schema echotune to echotune_sync;
grant select on echotune.migrations to echotune_sync;
grant select, insert, update, delete on
    echotune.watermarks, echotune.sync_runs, echotune.sync_slices, echotune.rejected_documents,
    echotune.reconciliations, echotune.profile_changes
to echotune_sync;
grant execute on function echotune.row_id(text, text), echotune.ensure_partitions(integer, integer) to echotune_sync;

alter table public.users enable row level security;
alter table public.playlists enable row level security;
alter table public.user_preferences enable row level security;
alter table public.artists enable row level security;
alter table public.albums enable row level security;
alter table public.tracks enable row level security;
alter table public.track_artists enable row level security;
alter table public.audio_features enable row level security;
alter table public.listening_history enable row level security;

-- Supabase's service_role needs no policy, because it bypasses them; the same role elsewhere does not.
create policy platform on public.users for all to service_role, echotune_sync using (true) with check (true);
create policy platform on public.playlists for all to service_role, echotune_sync using (true) with check (true);
create policy platform on public.user_preferences for all to service_role, echotune_sync using (true) with check (true);
create policy platform on public.artists for all to service_role, echotune_sync using (true) with check (true);
create policy platform on public.albums for all to service_role, echotune_sync using (true) with check (true);
create policy platform on public.tracks for all to service_role, echotune_sync using (true) with check (true);
create policy platform on public.track_artists for all to service_role, echotune_sync using (true) with check (true);
create policy platform on public.audio_features for all to service_role, echotune_sync using (true) with check (true);
create policy platform on public.listening_history for all to service_role, echotune_sync using (true) with check (true);

-- Signed-in users. A function in (select …) runs once a statement, not once a row.
create policy own_row_select on public.users for select to authenticated
using (auth_user_id = (select auth.uid()));
create policy own_row_insert on public.users for insert to authenticated
with check (auth_user_id = (select auth.uid()));
create policy own_row_update on public.users for update to authenticated
using (auth_user_id = (select auth.uid()))
with check (auth_user_id = (select auth.uid()));

create policy own_and_public_select on public.playlists for select to authenticated
using (public or user_id = (select id from public.users where auth_user_id = (select auth.uid())));
create policy own_insert on public.playlists for insert to authenticated
with check (user_id = (select id from public.users where auth_user_id = (select auth.uid())));
create policy own_update on public.playlists for update to authenticated
using (user_id = (select id from public.users where auth_user_id = (select auth.uid())))
with check (user_id = (select id from public.users where auth_user_id = (select auth.uid())));
create policy own_delete on public.playlists for delete to authenticated
using (user_id = (select id from public.users where auth_user_id = (select auth.uid())));

create policy own on public.user_preferences for all to authenticated
using (user_id = (select id from public.users where auth_user_id = (select auth.uid())))
with check (user_id = (select id from public.users where auth_user_id = (select auth.uid())));

create policy own_select on public.listening_history for select to authenticated
using (user_id = (select id from public.users where auth_user_id = (select auth.uid())));

create policy catalog_select on public.artists for select to authenticated using (true);
create policy catalog_select on public.albums for select to authenticated using (true);
create policy catalog_select on public.tracks for select to authenticated using (true);
create policy catalog_select on public.track_artists for select to authenticated using (true);
create policy catalog_select on public.audio_features for select to authenticated using (true);
