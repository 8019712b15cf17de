insert into public.{parent} ({columns})
select distinct on (staged.{reference}) {values}
from pg_temp.staged
where
    staged.{reference} is not null
    and not exists (select from public.{parent} as parent where parent.id = staged.{reference})
order by staged.{reference}, {names}
on conflict do nothing;
