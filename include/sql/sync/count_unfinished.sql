select count(*)
from echotune.sync_slices
where run_id = %(run_id)s and table_name = %(table_name)s and finished_at is null;
