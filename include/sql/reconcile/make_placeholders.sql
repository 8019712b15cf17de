-- What other rows refer to stays, and tells no more than that.
update public.{table} as found set ({emptied}, placeholder) = row({nothing}, true)
from pg_temp.gone
where {same_row};
