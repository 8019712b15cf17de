-- The time now, where a table has rejected documents.
select clock_timestamp()
where exists (select from echotune.rejected_documents where table_name = %(table_name)s);
