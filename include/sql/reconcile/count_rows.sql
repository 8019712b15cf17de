select {month} as month, count(*), coalesce(sum({checksum}), 0)
from public.{table} as found
where
    {documented}
    and {in_month}
    and not exists (
        select
        from echotune.rejected_documents as rejected
        where rejected.table_name = %(table_name)s and rejected.row_id = found.{owner}
    )
group by 1;
