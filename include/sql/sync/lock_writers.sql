-- One writer at a time: MERGE can collide with rows that another transaction inserts.
select pg_advisory_xact_lock(hashtextextended('echotune.sync', 0));
