-- Rows that are the same already are not touched: no new version, no WAL.
merge into public.{table} as target
using pg_temp.staged as staged
on {same_row}
when matched and ({present}) is distinct from ({wanted}) then
    update set ({written}) = row({wanted})
when not matched then
    insert ({columns}) values ({values});
