-- A page of the documents that do not fit, the latest first.
select table_name as "table", document_id, reason, last_seen_at as at
from echotune.rejected_documents
order by last_seen_at desc, table_name, document_id
limit %(limit)s offset %(offset)s
