delete from echotune.rejected_documents
where table_name = %(table_name)s and row_id = any(%(row_ids)s::uuid[]);
