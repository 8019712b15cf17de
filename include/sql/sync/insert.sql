-- None of these rows is there, so none has to be looked for.
insert into public.{table} ({columns})
select {columns} from pg_temp.staged;
