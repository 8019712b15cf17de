select distinct month from echotune.rejected_documents where table_name = %(table_name)s;
