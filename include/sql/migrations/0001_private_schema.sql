-- The private schema, and how the ids of synced rows are computed.

create schema echotune;

comment on schema echotune is 'EchoTune''s own: migrations, watermarks, sync runs, reconciliation results. Not for applications.';

create table echotune.migrations (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    applied_by text not null default session_user,
    seconds double precision not null
);
comment on table echotune.migrations is 'The migrations that ran here, each recorded in the transaction that ran it';
comment on column echotune.migrations.checksum is 'SHA-256 of the file: one that is changed after it ran is refused';

-- A UUID of version 8 (RFC 9562) from the SHA-256 of kind and key: the sync computes the same in Python, so a row's
-- id is known to everyone who knows its Spotify id. Keys: a Spotify id, a user name, or MongoDB's _id.
create function echotune.row_id(kind text, key text) returns uuid
language sql immutable strict parallel safe
set search_path = ''
return encode(
    set_byte(
        set_byte(
            substring(sha256(convert_to(kind || ':' || key, 'UTF8')) for 16),
            6, (get_byte(sha256(convert_to(kind || ':' || key, 'UTF8')), 6) & 15) | 128
        ),
        8, (get_byte(sha256(convert_to(kind || ':' || key, 'UTF8')), 8) & 63) | 128
    ),
    'hex'
)::uuid;

comment on function echotune.row_id(text, text) is 'The id of a synced row, such as row_id(''track'', ''0PY3iCmQHu97SB3G3IfoJW'')';

create function echotune.keep_updated_at() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    new.updated_at := now();
    return new;
end;
$$;

comment on function echotune.keep_updated_at() is 'Sets updated_at of a changed row';
