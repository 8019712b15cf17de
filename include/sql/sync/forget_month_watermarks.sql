-- What the table's own watermark covers now.
delete from echotune.watermarks
where table_name = %(table_name)s and month is not null and through <= %(through)s;
