select
    slice, table_name, first_month, last_month, without_month, since, through, moves_watermark,
    window_start, window_documents, window_fingerprint, position, finished_at,
    documents, inserted, updated, unchanged, deleted, quarantined, seconds
from echotune.sync_slices
where run_id = %(run_id)s
order by slice;
