"""The 57 columns of the combined listening-history CSV, described once.

Source of the names and of what fills them: the export files themselves. Everything that depends on a column
(its type, its place in the document, whether it is personal, whether it tells plays apart) is derived from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from echotune.history.values import (
    BOOLEAN,
    DECIMAL,
    DECIMAL_INTEGER,
    INSTANT,
    INTEGER,
    LIST,
    SIGNED_DECIMAL_INTEGER,
    SPACED_LIST,
    TEXT,
    ValueType,
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its header, the type of its cells, and where a cell goes in the document (dotted path)."""

    name: str
    type: ValueType
    path: str
    required: bool = False
    personal: bool = False
    identifies_play: bool = False


def play(name: str, type_: ValueType, path: str, *, required: bool = False) -> Column:
    """Describe a column that tells plays apart: a change of it is another play, with another ``_id``."""
    return Column(name=name, type=type_, path=path, required=required, identifies_play=True)


def personal(name: str, path: str) -> Column:
    """Describe a column that is written as the policy for personal data says."""
    return Column(name=name, type=TEXT, path=path, personal=True)


def detail(name: str, type_: ValueType, path: str) -> Column:
    """Describe any other column: identity and privacy do not rest on it."""
    return Column(name=name, type=type_, path=path)


COLUMNS: tuple[Column, ...] = (
    play("spotify_track_uri", TEXT, "spotify_track_uri"),
    play("ts_x", INSTANT, "timestamp", required=True),
    play("username", TEXT, "user.username", required=True),
    play("platform", TEXT, "user.platform"),
    play("ms_played_x", INTEGER, "listening.ms_played", required=True),
    play("conn_country", TEXT, "user.country"),
    personal("ip_addr_decrypted", "user.ip_address"),
    personal("user_agent_decrypted", "user.user_agent"),
    play("master_metadata_track_name_x", TEXT, "track.name"),
    play("master_metadata_album_artist_name_x", TEXT, "track.artist"),
    play("master_metadata_album_album_name_x", TEXT, "track.album"),
    play("reason_start", TEXT, "listening.reason_start"),
    play("reason_end", TEXT, "listening.reason_end"),
    play("shuffle", BOOLEAN, "listening.shuffle"),
    play("skipped", BOOLEAN, "listening.skipped"),
    play("offline", BOOLEAN, "listening.offline"),
    detail("track_id", TEXT, "matched_play.track_id"),
    detail("master_metadata_track_name_y", TEXT, "matched_play.track_name"),
    detail("master_metadata_album_artist_name_y", TEXT, "matched_play.artist_name"),
    detail("master_metadata_album_album_name_y", TEXT, "matched_play.album_name"),
    detail("ts_y", INSTANT, "matched_play.timestamp"),
    detail("ms_played_y", DECIMAL_INTEGER, "matched_play.ms_played"),
    detail("Track URI", TEXT, "release.track_uri"),
    detail("Track Name_releases", TEXT, "release.track_name"),
    detail("Artist URI(s)_releases", SPACED_LIST, "release.artist_uris"),
    detail("Artist Name(s)_releases", SPACED_LIST, "release.artist_names"),
    detail("Album URI_releases", TEXT, "release.album_uri"),
    detail("Album Name_releases", TEXT, "release.album_name"),
    detail("Album Artist URI(s)_releases", SPACED_LIST, "release.album_artist_uris"),
    detail("Album Artist Name(s)_releases", SPACED_LIST, "release.album_artist_names"),
    detail("Album Release Date_releases", TEXT, "release.album_release_date"),
    detail("Album Image URL_releases", TEXT, "release.album_image_url"),
    detail("Disc Number_releases", DECIMAL_INTEGER, "release.disc_number"),
    detail("Track Number_releases", DECIMAL_INTEGER, "release.track_number"),
    detail("Track Duration (ms)_releases", DECIMAL_INTEGER, "track.duration_ms"),
    detail("Track Preview URL_releases", TEXT, "release.track_preview_url"),
    detail("Explicit_releases", BOOLEAN, "metadata.explicit"),
    detail("Popularity_releases", DECIMAL_INTEGER, "track.popularity"),
    detail("ISRC_releases", TEXT, "metadata.isrc"),
    detail("Added By_releases", TEXT, "release.added_by"),
    detail("Added At_releases", TEXT, "release.added_at"),
    detail("Artist Genres", LIST, "metadata.genres"),
    detail("Danceability", DECIMAL, "audio_features.danceability"),
    detail("Energy", DECIMAL, "audio_features.energy"),
    detail("Key", SIGNED_DECIMAL_INTEGER, "audio_features.key"),
    detail("Loudness", DECIMAL, "audio_features.loudness"),
    detail("Mode", DECIMAL_INTEGER, "audio_features.mode"),
    detail("Speechiness", DECIMAL, "audio_features.speechiness"),
    detail("Acousticness", DECIMAL, "audio_features.acousticness"),
    detail("Instrumentalness", DECIMAL, "audio_features.instrumentalness"),
    detail("Liveness", DECIMAL, "audio_features.liveness"),
    detail("Valence", DECIMAL, "audio_features.valence"),
    detail("Tempo", DECIMAL, "audio_features.tempo"),
    detail("Time Signature", DECIMAL_INTEGER, "audio_features.time_signature"),
    detail("Album Genres", LIST, "release.album_genres"),
    detail("Label", TEXT, "metadata.label"),
    detail("Copyrights", TEXT, "release.copyrights"),
)

HEADER: tuple[str, ...] = tuple(column.name for column in COLUMNS)
