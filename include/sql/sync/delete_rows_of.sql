delete from public.{table} where {owner} = any(%(owners)s::uuid[]);
