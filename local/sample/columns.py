"""The 57 columns of the combined listening-history file, in order.

They are spelled out here rather than imported from the loader: the sample is what the loader is
tested with, so a column misspelled in the loader must not be misspelled in the sample as well.
"""

from __future__ import annotations

PLAY_COLUMNS = (
    "spotify_track_uri",
    "ts_x",
    "username",
    "platform",
    "ms_played_x",
    "conn_country",
    "ip_addr_decrypted",
    "user_agent_decrypted",
    "master_metadata_track_name_x",
    "master_metadata_album_artist_name_x",
    "master_metadata_album_album_name_x",
    "reason_start",
    "reason_end",
    "shuffle",
    "skipped",
    "offline",
)

MATCHED_PLAY_COLUMNS = (
    "track_id",
    "master_metadata_track_name_y",
    "master_metadata_album_artist_name_y",
    "master_metadata_album_album_name_y",
    "ts_y",
    "ms_played_y",
)

PLAYLIST_COLUMNS = (
    "Track URI",
    "Track Name_releases",
    "Artist URI(s)_releases",
    "Artist Name(s)_releases",
    "Album URI_releases",
    "Album Name_releases",
    "Album Artist URI(s)_releases",
    "Album Artist Name(s)_releases",
    "Album Release Date_releases",
    "Album Image URL_releases",
    "Disc Number_releases",
    "Track Number_releases",
    "Track Duration (ms)_releases",
    "Track Preview URL_releases",
    "Explicit_releases",
    "Popularity_releases",
    "ISRC_releases",
    "Added By_releases",
    "Added At_releases",
)

FEATURE_COLUMNS = (
    "Danceability",
    "Energy",
    "Key",
    "Loudness",
    "Mode",
    "Speechiness",
    "Acousticness",
    "Instrumentalness",
    "Liveness",
    "Valence",
    "Tempo",
    "Time Signature",
)

ALBUM_COLUMNS = ("Album Genres", "Label", "Copyrights")

CATALOG_COLUMNS = (*PLAYLIST_COLUMNS, "Artist Genres", *FEATURE_COLUMNS, *ALBUM_COLUMNS)

HEADER = (*PLAY_COLUMNS, *MATCHED_PLAY_COLUMNS, *CATALOG_COLUMNS)
