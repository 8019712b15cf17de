insert into echotune.watermarks as known (table_name, month, through)
select %(table_name)s, month::date, %(through)s
from generate_series(%(first_month)s::timestamp, %(last_month)s::timestamp, interval '1 month') as months (month)
on conflict (table_name, month) do update set through = excluded.through where known.through <= excluded.through;
