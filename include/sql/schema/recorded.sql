-- The migrations that ran here, in order.
select version, name, checksum from echotune.migrations order by version;
