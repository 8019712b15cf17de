update echotune.sync_runs set finished_at = now(), summary = %(summary)s where run_id = %(run_id)s;
