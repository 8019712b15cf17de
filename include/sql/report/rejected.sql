-- Documents that do not fit their table, whichever run found them.
select table_name, count(*) as documents
from echotune.rejected_documents
group by table_name
order by table_name
