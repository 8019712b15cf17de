-- The latest comparison of each table and month.
select distinct on (table_name, month) table_name, month, state, documents, rows, checked_at
from echotune.reconciliations
order by table_name, month nulls first, checked_at desc
