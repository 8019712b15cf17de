-- What applications read and write. Ids of synced rows are computed (echotune.row_id), so that foreign keys need no
-- look-up. A placeholder is a row that others refer to and MongoDB has no document of yet: its id and name only.

create table public.users (
    id uuid primary key default gen_random_uuid(),
    auth_user_id uuid unique,
    spotify_user_id text unique,
    email text unique,
    username text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on column public.users.auth_user_id is 'Who signs in as this user: the id in auth.users. The application''s server sets it';
comment on column public.users.spotify_user_id is 'The user name in the listening history. Where it is set, id is row_id(''user'', it)';

create table public.playlists (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references public.users (id) on delete cascade on update cascade,
    spotify_playlist_id text,
    name text not null,
    description text,
    public boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table public.user_preferences (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references public.users (id) on delete cascade on update cascade,
    preferred_genres text[] not null default '{}',
    audio_feature_weights jsonb not null default '{}',
    recommendation_settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint user_preferences_one_per_user unique (user_id)
);

create table public.artists (
    id uuid primary key,
    spotify_id text unique,
    name text,
    genres text[],
    popularity smallint,
    followers bigint,
    image_url text,
    track_count bigint,
    play_count bigint,
    first_played_at timestamptz,
    last_played_at timestamptz,
    placeholder boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on column public.artists.spotify_id is 'Absent while only the name is known';

create table public.albums (
    id uuid primary key,
    spotify_id text unique,
    name text,
    artist_name text,
    artist_id uuid references public.artists (id),
    album_type text,
    release_date date,
    release_date_precision text,
    total_tracks integer,
    label text,
    upc text,
    genres text[],
    popularity smallint,
    image_url text,
    track_count bigint,
    play_count bigint,
    first_played_at timestamptz,
    last_played_at timestamptz,
    placeholder boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on column public.albums.release_date is 'The first day of what is known; release_date_precision is year, month or day';

create table public.tracks (
    id uuid primary key,
    spotify_id text unique,
    name text,
    artist_name text,
    album_name text,
    album_id uuid references public.albums (id),
    duration_ms integer,
    popularity smallint,
    explicit boolean,
    isrc text,
    release_date date,
    release_date_precision text,
    disc_number integer,
    track_number integer,
    genres text[],
    play_count bigint,
    first_played_at timestamptz,
    last_played_at timestamptz,
    placeholder boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table public.track_artists (
    track_id uuid not null references public.tracks (id) on delete cascade,
    artist_id uuid not null references public.artists (id),
    position smallint not null,
    primary key (track_id, artist_id)
);
comment on column public.track_artists.position is 'From 0: the first named artist';

create table public.audio_features (
    track_id uuid primary key references public.tracks (id) on delete cascade,
    danceability double precision,
    energy double precision,
    key smallint,
    loudness double precision,
    mode smallint,
    speechiness double precision,
    acousticness double precision,
    instrumentalness double precision,
    liveness double precision,
    valence double precision,
    tempo double precision,
    time_signature smallint,
    provider text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on column public.audio_features.provider is 'Who said so: history (the export), spotify, reccobeats, local, or a made-up one (mock, …-simulated)';

create table public.listening_history (
    id uuid not null,
    played_at timestamptz not null,
    user_id uuid not null references public.users (id) on update cascade,
    track_id uuid references public.tracks (id),
    month date not null generated always as ((date_trunc('month', played_at at time zone 'UTC'))::date) stored,
    ms_played integer not null,
    platform text,
    country text,
    track_name text,
    artist_name text,
    album_name text,
    reason_start text,
    reason_end text,
    shuffle boolean,
    skipped boolean,
    offline boolean,
    updated_at timestamptz not null default now(),
    primary key (id, played_at)
) partition by range (played_at);
comment on table public.listening_history is 'One row a play; id is the _id of its document in MongoDB. Partitions, one a year in UTC, are in the schema echotune';
comment on column public.listening_history.month is 'The first day of the month in UTC';

create trigger keep_updated_at before update on public.users for each row execute function echotune.keep_updated_at();
create trigger keep_updated_at before update on public.playlists for each row execute function echotune.keep_updated_at();
create trigger keep_updated_at before update on public.user_preferences for each row execute function echotune.keep_updated_at();
create trigger keep_updated_at before update on public.artists for each row execute function echotune.keep_updated_at();
create trigger keep_updated_at before update on public.albums for each row execute function echotune.keep_updated_at();
create trigger keep_updated_at before update on public.tracks for each row execute function echotune.keep_updated_at();
create trigger keep_updated_at before update on public.audio_features for each row execute function echotune.keep_updated_at();
create trigger keep_updated_at before update on public.listening_history for each row execute function echotune.keep_updated_at();

-- A row that carries a Spotify user id has the id that the sync computes for it, whoever made it.
-- Security definer, because applications may change users and have no access to the private schema.
create function echotune.keep_user_id() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
    if new.spotify_user_id is not null then
        new.id := echotune.row_id('user', new.spotify_user_id);
    end if;
    return new;
end;
$$;

comment on function echotune.keep_user_id() is 'Gives a user with a Spotify user id its computed id';

create trigger keep_user_id before insert or update of spotify_user_id on public.users
for each row execute function echotune.keep_user_id();
