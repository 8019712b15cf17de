-- One way back at a time: a slower one would write an older profile over a newer one.
select pg_advisory_xact_lock(hashtextextended('echotune.profiles', 0))
