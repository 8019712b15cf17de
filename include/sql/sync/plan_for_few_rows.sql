-- Staged rows are few beside a table's. Without this, PostgreSQL reads the whole table for each batch once it is large.
set local enable_hashjoin = off;
set local enable_mergejoin = off;
