select table_name, month, through, window_start, window_documents, window_fingerprint from echotune.watermarks;
