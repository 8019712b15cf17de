-- Rows that no document tells of. Those of documents that no longer fit stay as they were.
create temporary table gone on commit drop as
select {key}
from public.{table} as found
where
    {documented}
    and {in_month}
    and not exists (select from pg_temp.staged where {same_row})
    and not exists (
        select
        from echotune.rejected_documents as rejected
        where rejected.table_name = %(table_name)s and rejected.row_id = found.{owner}
    );
