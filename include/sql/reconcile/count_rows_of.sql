select count(*), coalesce(sum({checksum}), 0)
from public.{table} as found
where found.{owner} = any(%(owners)s::uuid[]);
