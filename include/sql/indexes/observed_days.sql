-- For how many days the use of indexes has been counted here: since the schema was made, or somebody reset the counters.
select extract(day from now() - greatest(stats_reset, (select min(applied_at) from echotune.migrations)))::integer
from pg_catalog.pg_stat_database
where datname = current_database();
