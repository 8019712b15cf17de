select count(*)
from echotune.rejected_documents
where
    (table_name in ('users', 'user_profiles') and (row_id = %(user_id)s or document_id = %(username)s))
    or (table_name = 'listening_history' and row_id = any(%(plays)s::uuid[]));
