-- Partitions of this year and the next, so that a play finds its partition at New Year.
select echotune.ensure_partitions(this_year, this_year + 1)
from (select extract(year from now() at time zone 'UTC')::integer as this_year) as clock;
