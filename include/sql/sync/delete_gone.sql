-- Rows of documents that are there, of which the document tells no longer.
delete from public.{table} as target
where
    target.{owner} = any(%(owners)s::uuid[])
    and not exists (select from pg_temp.staged where {same_row});
