-- The slices of a run that are not done.
select count(*) as slices from echotune.sync_slices where run_id = %(run_id)s and finished_at is null
