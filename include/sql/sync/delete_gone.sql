-- Rows of documents that are there, of which the document tells no longer.
delete from public.{table} as target
using unnest(%(owners)s::uuid[]) as owners (id)
where
    target.{owner} = owners.id
    and not exists (select from pg_temp.staged where {same_row});
