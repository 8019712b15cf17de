-- A slice without a position is read from its beginning.
update echotune.sync_slices set position = null
where run_id = %(run_id)s and slice = %(slice)s and position = %(position)s;
