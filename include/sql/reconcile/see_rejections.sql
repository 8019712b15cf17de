update echotune.rejected_documents set last_seen_at = now()
where table_name = %(table_name)s and row_id = any(%(row_ids)s::uuid[])
returning row_id, starts_with(reason, %(refused)s);
