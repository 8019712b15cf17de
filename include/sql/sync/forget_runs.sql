-- With their slices and reconciliations.
delete from echotune.sync_runs
where started_at < now() - make_interval(days => %(days)s) and run_id <> %(run_id)s;
