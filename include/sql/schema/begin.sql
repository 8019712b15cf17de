-- How a transaction that changes the schema begins: one at a time, not waiting long for a lock that others hold.
select
    set_config('search_path', '', true),
    set_config('statement_timeout', '10min', true),
    set_config('lock_timeout', '2min', true);
select pg_advisory_xact_lock(hashtextextended('echotune.migrations', 0));
select set_config('lock_timeout', '5s', true);
