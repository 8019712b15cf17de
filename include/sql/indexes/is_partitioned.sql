select relkind = 'p' from pg_catalog.pg_class where oid = to_regclass(%(table_name)s);
