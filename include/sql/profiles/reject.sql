-- Profiles that do not fit in MongoDB, and why.
insert into echotune.rejected_documents as known (table_name, document_id, row_id, reason)
select 'user_profiles', rejected.user_id::text, rejected.user_id, rejected.reason
from unnest(%(users)s::uuid[], %(reasons)s::text[]) as rejected (user_id, reason)
on conflict (table_name, document_id) do update set reason = excluded.reason, last_seen_at = now()
