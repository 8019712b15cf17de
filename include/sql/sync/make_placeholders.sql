insert into public.{parent} ({columns})
select distinct on ({reference}) {values}
from (select distinct {names} from pg_temp.staged where {reference} is not null) as referred
where not exists (select from public.{parent} as parent where parent.id = referred.{reference})
order by {reference}, {names}
on conflict do nothing;
