-- A run that is tried again goes on: its record stays.
insert into echotune.sync_runs (run_id, settings) values (%(run_id)s, %(settings)s)
on conflict (run_id) do update set settings = excluded.settings, finished_at = null;
