-- Since when the use of indexes is counted here: as long as the schema is there, or since somebody reset the counters.
select greatest(stats_reset, (select min(applied_at) from echotune.migrations))
from pg_catalog.pg_stat_database
where datname = current_database();
