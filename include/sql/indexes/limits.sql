-- For this transaction or this session: who waits for a lock is waited for by those who come after.
select
    set_config('lock_timeout', %(lock_timeout)s, %(in_transaction)s),
    set_config('statement_timeout', %(statement_timeout)s, %(in_transaction)s);
