-- The way back to MongoDB: each statement that changes preferences, playlists or what a profile says of its user makes
-- the profiles due, once a user. The functions run as their owner: who changes a playlist has no right on this schema.

create function echotune.mark_profiles(users uuid[]) returns void
language sql
set search_path = ''
begin atomic
    -- In the order of the ids: two statements that change the same users wait for each other and do not deadlock.
    insert into echotune.profile_changes as known (user_id)
    select distinct marked.user_id from unnest(users) as marked (user_id) order by marked.user_id
    on conflict (user_id) do update set version = known.version + 1, changed_at = now();
end;

comment on function echotune.mark_profiles(uuid[]) is 'Makes the profiles of users due on their way to MongoDB';

create function echotune.rows_came_or_went() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
    perform echotune.mark_profiles(array(select distinct user_id from changed_rows));
    return null;
end;
$$;

create function echotune.rows_changed() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
    -- A playlist may move from one user to another one: both profiles change.
    perform echotune.mark_profiles(array(select user_id from old_rows union select user_id from new_rows));
    return null;
end;
$$;

create function echotune.users_changed() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
    perform echotune.mark_profiles(array(
        select changed.id
        from (
            (select id, username, spotify_user_id from old_rows except select id, username, spotify_user_id from new_rows)
            union all
            (select id, username, spotify_user_id from new_rows except select id, username, spotify_user_id from old_rows)
        ) as changed
    ));
    return null;
end;
$$;

create function echotune.rows_truncated() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
    perform echotune.mark_profiles(array(select user_id from echotune.profile_changes));
    return null;
end;
$$;

comment on function echotune.rows_came_or_went() is 'Marks the profiles of users whose rows were inserted or deleted';
comment on function echotune.rows_changed() is 'Marks the profiles of users who have, or had, the updated rows';
comment on function echotune.users_changed() is 'Marks the profiles of users whose id or name changed';
comment on function echotune.rows_truncated() is 'Marks all profiles';

revoke execute on function echotune.mark_profiles(uuid[]) from public;
revoke execute on function echotune.rows_came_or_went() from public;
revoke execute on function echotune.rows_changed() from public;
revoke execute on function echotune.users_changed() from public;
revoke execute on function echotune.rows_truncated() from public;

create trigger mark_profiles_of_inserted after insert on public.playlists
referencing new table as changed_rows for each statement execute function echotune.rows_came_or_went();
create trigger mark_profiles_of_updated after update on public.playlists
referencing old table as old_rows new table as new_rows for each statement execute function echotune.rows_changed();
create trigger mark_profiles_of_deleted after delete on public.playlists
referencing old table as changed_rows for each statement execute function echotune.rows_came_or_went();
create trigger mark_profiles_of_truncated after truncate on public.playlists
for each statement execute function echotune.rows_truncated();

create trigger mark_profiles_of_inserted after insert on public.user_preferences
referencing new table as changed_rows for each statement execute function echotune.rows_came_or_went();
create trigger mark_profiles_of_updated after update on public.user_preferences
referencing old table as old_rows new table as new_rows for each statement execute function echotune.rows_changed();
create trigger mark_profiles_of_deleted after delete on public.user_preferences
referencing old table as changed_rows for each statement execute function echotune.rows_came_or_went();
create trigger mark_profiles_of_truncated after truncate on public.user_preferences
for each statement execute function echotune.rows_truncated();

-- A user's own delete and a change of the id reach playlists and preferences by their foreign keys, and so these
-- triggers: what is left is the name.
create trigger mark_profiles_of_updated after update on public.users
referencing old table as old_rows new table as new_rows for each statement execute function echotune.users_changed();
