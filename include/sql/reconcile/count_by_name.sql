-- Rows that are known by their name only. They go when their Spotify id becomes known, and another row has it.
select count(*) from public.{table} where spotify_id is null and not placeholder;
