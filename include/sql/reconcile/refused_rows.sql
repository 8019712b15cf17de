select row_id from echotune.rejected_documents where table_name = %(table_name)s and starts_with(reason, %(refused)s);
