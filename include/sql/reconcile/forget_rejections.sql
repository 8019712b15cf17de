delete from echotune.rejected_documents
where
    table_name = %(table_name)s
    and last_seen_at < %(since)s
    and (%(whole)s or month is not distinct from %(month)s::date);
