-- The profiles of some users with their versions, in one statement and so as of one moment. It returns the first of the
-- users, in the order of their ids, whose text is within a size; a profile that alone is larger comes without its text.
with measured as (
    select
        asked.user_id,
        users.username,
        users.spotify_user_id,
        users.id is not null and (playlists.rows > 0 or preferences.id is not null) as has_profile,
        playlists.bytes + coalesce(
            octet_length(preferences.preferred_genres::text)
            + octet_length(preferences.audio_feature_weights::text)
            + octet_length(preferences.recommendation_settings::text), 0
        ) as bytes
    from unnest(%(users)s::uuid[]) as asked (user_id)
    left join public.users on users.id = asked.user_id
    left join public.user_preferences as preferences on preferences.user_id = asked.user_id
    cross join lateral (
        select
            count(*) as rows,
            coalesce(sum(octet_length(concat(name, description, spotify_playlist_id))), 0)::bigint as bytes
        from public.playlists
        where playlists.user_id = asked.user_id
    ) as playlists
), cut as (
    select measured.*, sum(bytes) over (order by user_id) - bytes as bytes_before from measured
)
select
    cut.user_id,
    coalesce(changes.version, 0) as version,
    coalesce(changes.version > changes.synced_version, false) as due,
    cut.has_profile,
    case when cut.has_profile and cut.bytes <= %(bytes)s then
        json_build_object(
            'user', json_build_object('username', cut.username, 'spotify_user_id', cut.spotify_user_id),
            'preferences', (
                select json_build_object(
                    'genres', preferred_genres,
                    'audio_feature_weights', audio_feature_weights,
                    'recommendation_settings', recommendation_settings,
                    'updated_at', updated_at
                )
                from public.user_preferences
                where user_preferences.user_id = cut.user_id
            ),
            'playlists', (
                select json_agg(
                    json_build_object(
                        'id', id,
                        'spotify_playlist_id', spotify_playlist_id,
                        'name', name,
                        'description', description,
                        'public', public,
                        'created_at', created_at,
                        'updated_at', updated_at
                    )
                    order by created_at, id
                )
                from public.playlists
                where playlists.user_id = cut.user_id
            )
        )::text
    end as profile
from cut
left join echotune.profile_changes as changes on changes.user_id = cut.user_id
where cut.bytes_before <= %(bytes)s
order by cut.user_id
