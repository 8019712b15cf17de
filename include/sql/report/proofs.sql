-- How the two sides compared in a run.
select table_name as "table", month, documents, rows, state
from echotune.reconciliations
where run_id = %(run_id)s
order by table_name, month nulls first
