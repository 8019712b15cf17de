-- For this transaction only: the page reads, and waits no longer than a person would.
set transaction read only;
set local lock_timeout = '1s';
set local statement_timeout = '3s';
