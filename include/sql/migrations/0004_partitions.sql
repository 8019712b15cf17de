-- Partitions of the plays, one a year in UTC, in the private schema: applications read and write through the parent.
-- Security definer, because whoever may write plays may get a partition for them without owning the table.
create function echotune.ensure_partitions(first_year integer, last_year integer) returns integer
language plpgsql security definer
set search_path = ''
as $$
declare
    made integer := 0;
    year integer;
    partition text;
begin
    if first_year is null or last_year is null or first_year < 1900 or last_year > 2200 then
        raise exception 'a play is of a year from 1900 to 2200, not of % to %', first_year, last_year
            using errcode = 'numeric_value_out_of_range';
    end if;
    for year in first_year .. last_year loop
        partition := 'listening_history_' || year;
        continue when to_regclass('echotune.' || partition) is not null;
        perform pg_advisory_xact_lock(hashtextextended('echotune.partitions', 0));
        -- Another session may have made it meanwhile; only a query sees that, to_regclass has it from a cache.
        continue when exists (
            select from pg_catalog.pg_class
            where relnamespace = 'echotune'::regnamespace and relname = partition
        );
        -- Made apart and attached: attaching does not stop those who read or write the other years.
        execute format('create table echotune.%I (like public.listening_history including all)', partition);
        execute format(
            'alter table public.listening_history attach partition echotune.%I for values from (%L) to (%L)',
            partition,
            make_timestamptz(year, 1, 1, 0, 0, 0, 'UTC'),
            make_timestamptz(year + 1, 1, 1, 0, 0, 0, 'UTC')
        );
        made := made + 1;
    end loop;
    return made;
end;
$$;

comment on function echotune.ensure_partitions(integer, integer) is
'Makes the partitions of these years that are not there yet; returns how many it made';

revoke all on function echotune.ensure_partitions(integer, integer) from public;
