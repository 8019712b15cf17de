-- What the sync knows of itself: how far it came, what each run did, what was proved, what did not fit.

create table echotune.watermarks (
    table_name text not null,
    month date,
    through timestamptz not null,
    window_start timestamptz,
    window_documents bigint,
    window_fingerprint numeric,
    constraint watermarks_key unique nulls not distinct (table_name, month)
);
comment on table echotune.watermarks is
'Documents changed up to "through" are in the table. A row with a month is ahead of the table''s own (month null) while a run is under way';
comment on column echotune.watermarks.window_fingerprint is
'An order-free sum over the documents changed from window_start to through: a late write changes it';

create table echotune.sync_runs (
    run_id text primary key,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    settings jsonb not null,
    summary jsonb
);

create table echotune.sync_slices (
    run_id text not null references echotune.sync_runs (run_id) on delete cascade,
    slice integer not null,
    table_name text not null,
    first_month date,
    last_month date,
    without_month boolean not null default false,
    since timestamptz,
    through timestamptz not null,
    moves_watermark boolean not null,
    window_start timestamptz,
    window_documents bigint,
    window_fingerprint numeric,
    position text,
    documents bigint not null default 0,
    inserted bigint not null default 0,
    updated bigint not null default 0,
    unchanged bigint not null default 0,
    deleted bigint not null default 0,
    quarantined bigint not null default 0,
    seconds double precision not null default 0,
    finished_at timestamptz,
    primary key (run_id, slice)
);
comment on column echotune.sync_slices.position is 'updated_at and _id of the last document that is written, in MongoDB''s extended JSON';

create table echotune.rejected_documents (
    table_name text not null,
    document_id text not null,
    row_id uuid not null,
    month date,
    reason text not null,
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    primary key (table_name, document_id)
);
comment on table echotune.rejected_documents is 'Documents that do not fit their table, and why; gone from here when they fit';

create table echotune.reconciliations (
    run_id text not null references echotune.sync_runs (run_id) on delete cascade,
    table_name text not null,
    month date,
    revision text not null,
    documents bigint not null,
    document_checksum numeric not null,
    rows bigint not null,
    row_checksum numeric not null,
    state text not null check (state in ('equal', 'repaired', 'differs', 'changing')),
    checked_at timestamptz not null default now(),
    constraint reconciliations_key unique nulls not distinct (run_id, table_name, month)
);
comment on column echotune.reconciliations.revision is 'What MongoDB said of the month cheaply when it was checked: the same again means nothing changed there';

create table echotune.profile_changes (
    user_id uuid primary key,
    version bigint not null default 1,
    changed_at timestamptz not null default now(),
    synced_version bigint not null default 0,
    synced_at timestamptz
);
comment on table echotune.profile_changes is 'The watermark of each user''s preferences and playlists on their way to MongoDB: due where version is ahead of synced_version';
