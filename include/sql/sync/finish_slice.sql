update echotune.sync_slices set finished_at = now(), seconds = seconds + %(seconds)s
where run_id = %(run_id)s and slice = %(slice)s and finished_at is null;
