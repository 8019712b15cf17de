insert into echotune.rejected_documents as known (table_name, document_id, row_id, month, reason)
select %(table_name)s, documents.*
from unnest(%(document_ids)s::text[], %(row_ids)s::uuid[], %(months)s::date[], %(reasons)s::text[]) as documents
on conflict (table_name, document_id) do update set
    row_id = excluded.row_id,
    month = excluded.month,
    reason = excluded.reason,
    last_seen_at = now();
