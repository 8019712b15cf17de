-- Remember a migration, in the transaction that ran it.
insert into echotune.migrations (version, name, checksum, seconds)
values (%(version)s, %(name)s, %(checksum)s, %(seconds)s);
