-- For this session: who waits for a lock is waited for by those who come after.
select set_config('lock_timeout', %(lock_timeout)s, {local}), set_config('statement_timeout', %(statement_timeout)s, {local});
