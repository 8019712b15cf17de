delete from public.{table} as found
using pg_temp.gone
where {same_row} and {in_month} and not ({referred});
