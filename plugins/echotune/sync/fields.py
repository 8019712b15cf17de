"""The fields of documents and the columns they fill, each described once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from echotune.sync.columns import Column, ColumnType
from echotune.sync.values import READERS, Reader, precision


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column that comes from one field of a document."""

    column: Column
    path: str
    read: Reader

    @property
    def name(self) -> str:
        """The field's name in the object that holds it."""
        return self.path.rpartition(".")[2]


def field(name: str, type_: ColumnType, path: str = "", read: Reader | None = None) -> Field:
    """Describe a field; it has the column's name and the type's rule unless said otherwise."""
    return Field(column=Column(name=name, type=type_), path=path or name, read=read or READERS[type_])


PLAYED = (
    field("play_count", ColumnType.BIGINT),
    field("first_played_at", ColumnType.TIMESTAMP),
    field("last_played_at", ColumnType.TIMESTAMP),
)
RELEASED = (
    field("release_date", ColumnType.DATE),
    field("release_date_precision", ColumnType.TEXT, "release_date", precision),
)
ARTIST_FIELDS = (
    field("name", ColumnType.TEXT),
    field("genres", ColumnType.TEXTS),
    field("popularity", ColumnType.SMALLINT),
    field("followers", ColumnType.BIGINT),
    field("image_url", ColumnType.TEXT),
    field("track_count", ColumnType.BIGINT),
    *PLAYED,
)
ALBUM_FIELDS = (
    field("name", ColumnType.TEXT),
    field("artist_name", ColumnType.TEXT, "artist"),
    field("album_type", ColumnType.TEXT),
    *RELEASED,
    field("total_tracks", ColumnType.INTEGER),
    field("label", ColumnType.TEXT),
    field("upc", ColumnType.TEXT),
    field("genres", ColumnType.TEXTS),
    field("popularity", ColumnType.SMALLINT),
    field("image_url", ColumnType.TEXT),
    field("track_count", ColumnType.BIGINT),
    *PLAYED,
)
TRACK_FIELDS = (
    field("name", ColumnType.TEXT),
    field("artist_name", ColumnType.TEXT, "artist"),
    field("album_name", ColumnType.TEXT, "album"),
    field("duration_ms", ColumnType.INTEGER),
    field("popularity", ColumnType.SMALLINT),
    field("explicit", ColumnType.BOOLEAN),
    field("isrc", ColumnType.TEXT),
    *RELEASED,
    field("disc_number", ColumnType.INTEGER),
    field("track_number", ColumnType.INTEGER),
    field("genres", ColumnType.TEXTS),
    *PLAYED,
)
FEATURE_FIELDS = (
    field("danceability", ColumnType.NUMBER, "audio_features.danceability"),
    field("energy", ColumnType.NUMBER, "audio_features.energy"),
    field("key", ColumnType.SMALLINT, "audio_features.key"),
    field("loudness", ColumnType.NUMBER, "audio_features.loudness"),
    field("mode", ColumnType.SMALLINT, "audio_features.mode"),
    field("speechiness", ColumnType.NUMBER, "audio_features.speechiness"),
    field("acousticness", ColumnType.NUMBER, "audio_features.acousticness"),
    field("instrumentalness", ColumnType.NUMBER, "audio_features.instrumentalness"),
    field("liveness", ColumnType.NUMBER, "audio_features.liveness"),
    field("valence", ColumnType.NUMBER, "audio_features.valence"),
    field("tempo", ColumnType.NUMBER, "audio_features.tempo"),
    field("time_signature", ColumnType.SMALLINT, "audio_features.time_signature"),
)
MS_PLAYED = field("ms_played", ColumnType.INTEGER, "listening.ms_played")
PLAY_DETAILS = (
    field("platform", ColumnType.TEXT, "user.platform"),
    field("country", ColumnType.TEXT, "user.country"),
    field("track_name", ColumnType.TEXT, "track.name"),
    field("artist_name", ColumnType.TEXT, "track.artist"),
    field("album_name", ColumnType.TEXT, "track.album"),
    field("reason_start", ColumnType.TEXT, "listening.reason_start"),
    field("reason_end", ColumnType.TEXT, "listening.reason_end"),
    field("shuffle", ColumnType.BOOLEAN, "listening.shuffle"),
    field("skipped", ColumnType.BOOLEAN, "listening.skipped"),
    field("offline", ColumnType.BOOLEAN, "listening.offline"),
)

PLAY_FIELDS = (MS_PLAYED, *PLAY_DETAILS)

Place = tuple[str, str, Reader]
"""A field's name, path and rule, taken out of it once: every document goes through them."""


def places_of(fields: Iterable[Field]) -> tuple[Place, ...]:
    """The places of fields, in order."""
    return tuple((part.name, part.path, part.read) for part in fields)


def columns_of(fields: Iterable[Field]) -> tuple[Column, ...]:
    """The columns that fields fill."""
    return tuple(part.column for part in fields)


def paths_of(fields: Iterable[Field]) -> dict[str, int]:
    """The projection that reads fields."""
    return {part.path: 1 for part in fields}
