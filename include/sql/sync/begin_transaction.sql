-- For this transaction only: a pooler may give the next one another session.
set local role echotune_sync;
set local lock_timeout = '30s';
set local statement_timeout = '10min';
