delete from echotune.sync_slices where run_id = %(run_id)s;
