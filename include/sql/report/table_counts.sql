-- What a run did, by table.
select
    table_name,
    sum(documents)::bigint as documents,
    sum(inserted)::bigint as inserted,
    sum(updated)::bigint as updated,
    sum(unchanged)::bigint as unchanged,
    sum(deleted)::bigint as deleted,
    sum(quarantined)::bigint as quarantined,
    sum(seconds) as seconds
from echotune.sync_slices
where run_id = %(run_id)s
group by table_name
