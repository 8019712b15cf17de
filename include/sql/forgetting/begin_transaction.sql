-- As the owner of the tables: the sync's role may delete neither users nor what applications wrote.
set local lock_timeout = '60s';
set local statement_timeout = '10min';
