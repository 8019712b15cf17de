-- Every index of PostgreSQL beside those of keys and unique constraints, with the queries it serves. What is missing
-- is made when the schema is brought up to date. A partitioned table's index is one on each of its partitions.

-- serves: A user's playlists; the rows that go with a user
create index playlists_user_id on public.playlists (user_id);

-- serves: The latest playlists of everyone
create index playlists_newest on public.playlists (created_at desc);

-- serves: The users who prefer a genre, or several
create index user_preferences_genres on public.user_preferences using gin (preferred_genres);

-- serves: The users whose weights contain a key or a value
create index user_preferences_weights on public.user_preferences using gin (audio_feature_weights);

-- serves: The users whose settings contain a key or a value
create index user_preferences_settings on public.user_preferences using gin (recommendation_settings);

-- serves: An artist's albums; whether an artist is still referred to
create index albums_artist_id on public.albums (artist_id);

-- serves: An album's tracks; whether an album is still referred to
create index tracks_album_id on public.tracks (album_id);

-- serves: An artist's tracks; whether an artist is still referred to
create index track_artists_artist_id on public.track_artists (artist_id);

-- serves: The plays of a track; whether a track is still referred to
create index listening_history_track_id on public.listening_history (track_id);

-- serves: A user's latest plays, and those between two times; the view listening_by_day
create index listening_history_newest on public.listening_history (user_id, played_at desc);

-- serves: A user's plays of a month or a year: the views of a period
create index listening_history_month on public.listening_history (user_id, month);

-- serves: Whether a document did not fit before, when it is written
create index rejected_documents_row on echotune.rejected_documents (table_name, row_id);

-- serves: What the last proof of each month said
create index reconciliations_latest on echotune.reconciliations (table_name, month, checked_at desc);

-- serves: The users whose profile is due on its way to MongoDB
create index profile_changes_due on echotune.profile_changes (user_id) where version > synced_version;
