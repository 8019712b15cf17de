select schemaname, indexname
from pg_catalog.pg_indexes
where schemaname in ('public', 'echotune');
