-- What applications ask first. Every view runs with the rights of who asks (security_invoker), so row level security
-- of the tables below holds. A period is 'all', 'year' or 'month' in UTC; period_start is null for 'all'.
-- One branch a period, each with its name as a constant: a query for one period leaves the others out.

create view public.track_plays with (security_invoker = true) as
select user_id, 'all' as period, null::date as period_start, track_id, count(*) as plays, sum(ms_played) as ms_played
from public.listening_history
where track_id is not null
group by user_id, track_id
union all
select user_id, 'year', date_trunc('year', month::timestamp)::date, track_id, count(*), sum(ms_played)
from public.listening_history
where track_id is not null
group by user_id, date_trunc('year', month::timestamp)::date, track_id
union all
select user_id, 'month', month, track_id, count(*), sum(ms_played)
from public.listening_history
where track_id is not null
group by user_id, month, track_id;

comment on view public.track_plays is
'How often each user played each track, by period. Ask for one period; plays that name no track are left out';

create view public.top_tracks with (security_invoker = true) as
select
    track_plays.user_id, track_plays.period, track_plays.period_start, track_plays.track_id,
    tracks.spotify_id, tracks.name, tracks.artist_name, tracks.album_name, track_plays.plays, track_plays.ms_played
from public.track_plays
join public.tracks on tracks.id = track_plays.track_id;

comment on view public.top_tracks is 'Each user''s tracks by period: order by plays or ms_played';

create view public.top_artists with (security_invoker = true) as
select
    artist_plays.user_id, artist_plays.period, artist_plays.period_start, artist_plays.artist_id,
    artists.spotify_id, artists.name, artists.image_url, artist_plays.plays, artist_plays.ms_played
from (
    select
        track_plays.user_id, track_plays.period, track_plays.period_start, track_artists.artist_id,
        sum(track_plays.plays)::bigint as plays, sum(track_plays.ms_played)::bigint as ms_played
    from public.track_plays
    join public.track_artists on track_artists.track_id = track_plays.track_id
    group by track_plays.user_id, track_plays.period, track_plays.period_start, track_artists.artist_id
) as artist_plays
join public.artists on artists.id = artist_plays.artist_id;

comment on view public.top_artists is
'Each user''s artists by period; a play counts for every artist of its track';

create view public.top_genres with (security_invoker = true) as
select
    track_plays.user_id, track_plays.period, track_plays.period_start, genre.name as genre,
    sum(track_plays.plays)::bigint as plays, sum(track_plays.ms_played)::bigint as ms_played
from public.track_plays
join public.tracks on tracks.id = track_plays.track_id
cross join unnest(tracks.genres) as genre (name)
group by track_plays.user_id, track_plays.period, track_plays.period_start, genre.name;

comment on view public.top_genres is 'Each user''s genres by period; a play counts for every genre of its track';

create view public.listening_by_day with (security_invoker = true) as
select
    user_id, month, (played_at at time zone 'UTC')::date as day,
    count(*) as plays, sum(ms_played) as ms_played, count(distinct track_id) as tracks
from public.listening_history
group by user_id, month, (played_at at time zone 'UTC')::date;

comment on view public.listening_by_day is 'What each user listened to on each day in UTC; a filter on month is the fastest';

create view public.listening_by_hour_of_week with (security_invoker = true) as
select
    user_id, 'all' as period, null::date as period_start,
    extract(isodow from played_at at time zone 'UTC')::smallint as weekday,
    extract(hour from played_at at time zone 'UTC')::smallint as hour,
    count(*) as plays, sum(ms_played) as ms_played
from public.listening_history
group by user_id, 4, 5
union all
select
    user_id, 'year', date_trunc('year', month::timestamp)::date,
    extract(isodow from played_at at time zone 'UTC')::smallint,
    extract(hour from played_at at time zone 'UTC')::smallint,
    count(*), sum(ms_played)
from public.listening_history
group by user_id, 3, 4, 5
union all
select
    user_id, 'month', month,
    extract(isodow from played_at at time zone 'UTC')::smallint,
    extract(hour from played_at at time zone 'UTC')::smallint,
    count(*), sum(ms_played)
from public.listening_history
group by user_id, month, 4, 5;

comment on view public.listening_by_hour_of_week is 'Each user''s plays by weekday (1 is Monday) and hour in UTC, by period';
comment on column public.listening_by_hour_of_week.weekday is '1 is Monday, 7 is Sunday';

create view public.new_discoveries with (security_invoker = true) as
select
    first_plays.user_id, first_plays.track_id, first_plays.discovered_at,
    tracks.spotify_id, tracks.name, tracks.artist_name, tracks.album_name, first_plays.plays_since
from (
    select user_id, track_id, min(played_at) as discovered_at, count(*) as plays_since
    from public.listening_history
    where track_id is not null
    group by user_id, track_id
) as first_plays
join public.tracks on tracks.id = first_plays.track_id;

comment on view public.new_discoveries is 'When each user played each track for the first time, and how often since then';

create view public.listening_streaks with (security_invoker = true) as
select
    user_id, min(day) as first_day, max(day) as last_day, count(*) as days,
    sum(plays)::bigint as plays, sum(ms_played)::bigint as ms_played
from (
    -- Days without a gap have the same distance to their number.
    select
        user_id, day, plays, ms_played,
        day - (row_number() over (partition by user_id order by day))::integer as run
    from (
        select user_id, (played_at at time zone 'UTC')::date as day, count(*) as plays, sum(ms_played) as ms_played
        from public.listening_history
        group by user_id, (played_at at time zone 'UTC')::date
    ) as days
) as numbered_days
group by user_id, run;

comment on view public.listening_streaks is 'Each user''s runs of consecutive days in UTC with at least one play';

create view public.audio_profiles with (security_invoker = true) as
select
    track_plays.user_id, track_plays.period, track_plays.period_start,
    sum(track_plays.plays)::bigint as plays,
    sum(danceability * track_plays.plays) / sum(track_plays.plays) filter (where danceability is not null) as danceability,
    sum(energy * track_plays.plays) / sum(track_plays.plays) filter (where energy is not null) as energy,
    sum(loudness * track_plays.plays) / sum(track_plays.plays) filter (where loudness is not null) as loudness,
    sum(speechiness * track_plays.plays) / sum(track_plays.plays) filter (where speechiness is not null) as speechiness,
    sum(acousticness * track_plays.plays) / sum(track_plays.plays) filter (where acousticness is not null) as acousticness,
    sum(instrumentalness * track_plays.plays) / sum(track_plays.plays) filter (where instrumentalness is not null)
        as instrumentalness,
    sum(liveness * track_plays.plays) / sum(track_plays.plays) filter (where liveness is not null) as liveness,
    sum(valence * track_plays.plays) / sum(track_plays.plays) filter (where valence is not null) as valence,
    sum(tempo * track_plays.plays) / sum(track_plays.plays) filter (where tempo is not null) as tempo
from public.track_plays
join public.audio_features on audio_features.track_id = track_plays.track_id
group by track_plays.user_id, track_plays.period, track_plays.period_start;

comment on view public.audio_profiles is 'How each user''s music sounds by period: means over plays, of plays whose track has audio features';
comment on column public.audio_profiles.plays is 'Plays whose track has audio features';

revoke all on
    public.track_plays, public.top_tracks, public.top_artists, public.top_genres, public.listening_by_day,
    public.listening_by_hour_of_week, public.new_discoveries, public.listening_streaks, public.audio_profiles
from public, anon, authenticated, service_role;
grant select on
    public.track_plays, public.top_tracks, public.top_artists, public.top_genres, public.listening_by_day,
    public.listening_by_hour_of_week, public.new_discoveries, public.listening_streaks, public.audio_profiles
to authenticated, service_role;
