-- Those that go, of the rows that are known by their name only.
select count(*) from public.{table} as found join pg_temp.gone on {same_row} where found.spotify_id is null;
