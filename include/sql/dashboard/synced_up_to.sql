-- The time up to which the changes of a table are in PostgreSQL.
select through from echotune.watermarks where table_name = %(table_name)s and month is null
