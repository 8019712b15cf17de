-- PostgreSQL before 17 does not tell what a MERGE inserted.
select count(*)
from pg_temp.staged
where not exists (select from public.{table} as target where {same_row});
