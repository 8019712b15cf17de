select row_id from echotune.rejected_documents where table_name = 'listening_history';
