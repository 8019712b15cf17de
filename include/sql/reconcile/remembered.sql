select distinct on (month) month, revision, documents, document_checksum
from echotune.reconciliations
where table_name = %(table_name)s and state in ('equal', 'repaired')
order by month, checked_at desc;
