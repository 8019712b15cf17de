insert into echotune.reconciliations (
    run_id, table_name, month, revision, documents, document_checksum, rows, row_checksum, state
)
select %(run_id)s, found.*
from unnest(
    %(tables)s::text[], %(months)s::date[], %(revisions)s::text[], %(documents)s::bigint[],
    %(document_checksums)s::numeric[], %(rows)s::bigint[], %(row_checksums)s::numeric[], %(states)s::text[]
) as found
on conflict (run_id, table_name, month) do update set
    revision = excluded.revision,
    documents = excluded.documents,
    document_checksum = excluded.document_checksum,
    rows = excluded.rows,
    row_checksum = excluded.row_checksum,
    state = excluded.state,
    checked_at = now();
