"""The tables of PostgreSQL that the sync fills, each described once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from echotune.sync import fields, rows
from echotune.sync.columns import Column, ColumnType, Document, Row
from echotune.sync.row_ids import Kind, row_id
from echotune.sync.values import NUL, REPLACEMENT

__all__ = ["RULES_VERSION", "TABLES", "TABLE_NAMES", "Column", "ColumnType", "Document", "Reference", "Row", "Table"]

RULES_VERSION = 1
"""Raised when a rule by which documents become rows changes: what was computed by the old ones is void."""

KINDS = {"users": Kind.USER, "artists": Kind.ARTIST, "albums": Kind.ALBUM, "tracks": Kind.TRACK}


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A foreign key. Whoever is referred to and not there becomes a placeholder.

    :param column: the column that refers
    :param table: the table that is referred to
    :param fills: which staged column tells which column of a placeholder
    """

    column: str
    table: str
    fills: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of the schema public.

    :param collection: plays, tracks, artists, albums, or users: the user names of the plays
    :param columns: what the sync writes and compares
    :param key: the primary key
    :param owner: the column that names the document: several rows may be of one
    :param rows: the rows of a document; raises UnfitValue
    :param projection: what is read of a document
    :param staged_only: columns that follow in a row and only tell of placeholders
    :param by_month: whether it is cut into months, and into partitions by year
    :param has_placeholders: whether others make placeholders in it that its own documents fill
    :param removes: whether rows go with their documents; a user's playlists hang on the row
    """

    name: str
    collection: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    owner: str
    rows: Callable[[Document], Sequence[Row]]
    projection: Mapping[str, Any]
    staged_only: tuple[Column, ...] = ()
    references: tuple[Reference, ...] = ()
    by_month: bool = False
    has_placeholders: bool = False
    removes: bool = True

    @property
    def staged(self) -> tuple[Column, ...]:
        """The columns of a row, in order."""
        return self.columns + self.staged_only

    @property
    def owner_has_many(self) -> bool:
        """Whether a document may have no row, or several, so that rows can be gone while it is there."""
        return self.owner != "id"

    @property
    def refers_to_itself(self) -> bool:
        """Whether its own rows are made as placeholders before they are written."""
        return any(reference.table == self.name for reference in self.references)


def _columns(type_: ColumnType, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name, type=type_) for name in names)


CREDITS = {"artist": 1, "artist_uris": 1, "artist_names": 1}
IDENTITY = (*_columns(ColumnType.UUID, "id"), *_columns(ColumnType.TEXT, "spotify_id"))
TRACK_OF_ROW = Reference(
    column="track_id", table="tracks", fills={"id": "track_id", "spotify_id": "track_spotify_id", "name": "track_name"}
)

USERS = Table(
    name="users",
    collection="users",
    columns=(*_columns(ColumnType.UUID, "id"), *_columns(ColumnType.TEXT, "spotify_user_id")),
    # The user name is the application's once the row is there.
    staged_only=_columns(ColumnType.TEXT, "username"),
    key=("id",),
    owner="id",
    rows=rows.user_rows,
    projection={},
    references=(
        Reference(
            column="id",
            table="users",
            fills={"id": "id", "spotify_user_id": "spotify_user_id", "username": "username"},
        ),
    ),
    removes=False,
)

ARTISTS = Table(
    name="artists",
    collection="artists",
    columns=(*IDENTITY, *fields.columns_of(fields.ARTIST_FIELDS)),
    key=("id",),
    owner="id",
    rows=rows.artist_rows,
    projection={"updated_at": 1, **fields.paths_of(fields.ARTIST_FIELDS)},
    has_placeholders=True,
)

ALBUMS = Table(
    name="albums",
    collection="albums",
    columns=(*IDENTITY, *fields.columns_of(fields.ALBUM_FIELDS), *_columns(ColumnType.UUID, "artist_id")),
    staged_only=_columns(ColumnType.TEXT, "artist_spotify_id", "credited_name"),
    key=("id",),
    owner="id",
    rows=rows.album_rows,
    projection={"updated_at": 1, **fields.paths_of(fields.ALBUM_FIELDS), **CREDITS},
    references=(
        Reference(
            column="artist_id",
            table="artists",
            fills={"id": "artist_id", "spotify_id": "artist_spotify_id", "name": "credited_name"},
        ),
    ),
    has_placeholders=True,
)

TRACKS = Table(
    name="tracks",
    collection="tracks",
    columns=(*IDENTITY, *fields.columns_of(fields.TRACK_FIELDS), *_columns(ColumnType.UUID, "album_id")),
    staged_only=_columns(ColumnType.TEXT, "album_spotify_id"),
    key=("id",),
    owner="id",
    rows=rows.track_rows,
    projection={"updated_at": 1, **fields.paths_of(fields.TRACK_FIELDS), "album_uri": 1},
    references=(
        Reference(
            column="album_id",
            table="albums",
            fills={"id": "album_id", "spotify_id": "album_spotify_id", "name": "album_name"},
        ),
    ),
    has_placeholders=True,
)

TRACK_ARTISTS = Table(
    name="track_artists",
    collection="tracks",
    columns=(
        *_columns(ColumnType.UUID, "track_id", "artist_id"),
        *_columns(ColumnType.SMALLINT, "position"),
    ),
    staged_only=_columns(ColumnType.TEXT, "track_spotify_id", "track_name", "artist_spotify_id", "artist_name"),
    key=("track_id", "artist_id"),
    owner="track_id",
    rows=rows.track_artist_rows,
    projection={"updated_at": 1, "name": 1, **CREDITS},
    references=(
        TRACK_OF_ROW,
        Reference(
            column="artist_id",
            table="artists",
            fills={"id": "artist_id", "spotify_id": "artist_spotify_id", "name": "artist_name"},
        ),
    ),
)

AUDIO_FEATURES = Table(
    name="audio_features",
    collection="tracks",
    columns=(
        *_columns(ColumnType.UUID, "track_id"),
        *fields.columns_of(fields.FEATURE_FIELDS),
        *_columns(ColumnType.TEXT, "provider"),
    ),
    staged_only=_columns(ColumnType.TEXT, "track_spotify_id", "track_name"),
    key=("track_id",),
    owner="track_id",
    rows=rows.audio_feature_rows,
    projection={"updated_at": 1, "name": 1, "audio_features": 1, "enrichment.audio_features.provider": 1},
    references=(TRACK_OF_ROW,),
)

LISTENING_HISTORY = Table(
    name="listening_history",
    collection="plays",
    columns=(
        *_columns(ColumnType.UUID, "id"),
        *_columns(ColumnType.TIMESTAMP, "played_at"),
        *_columns(ColumnType.UUID, "user_id", "track_id"),
        *fields.columns_of(fields.PLAY_FIELDS),
    ),
    staged_only=_columns(ColumnType.TEXT, "username", "track_spotify_id"),
    key=("id", "played_at"),
    owner="id",
    rows=rows.play_rows,
    projection=rows.PLAY_PROJECTION,
    references=(
        Reference(
            column="user_id",
            table="users",
            fills={"id": "user_id", "spotify_user_id": "username", "username": "username"},
        ),
        Reference(
            column="track_id",
            table="tracks",
            fills={"id": "track_id", "spotify_id": "track_spotify_id", "name": "track_name"},
        ),
    ),
    by_month=True,
)

TABLES = (USERS, ARTISTS, ALBUMS, TRACKS, TRACK_ARTISTS, AUDIO_FEATURES, LISTENING_HISTORY)
"""In the order in which they refer to each other."""

TABLE_NAMES = tuple(table.name for table in TABLES)


def table_named(name: str) -> Table:
    """Return a table.

    :raises KeyError: there is none
    """
    return {table.name: table for table in TABLES}[name]


def rules_of(table: Table) -> str:
    """What the rules and the table's columns are: other text once either changes."""
    columns = [(column.name, column.type.value) for column in table.columns]
    return sha256(repr((RULES_VERSION, *columns)).encode()).hexdigest()[:16]


def document_row_id(table: Table, document: Document) -> UUID:
    """Return the id that a document's rows have, or would have if it were fit, in the table's owner column."""
    name = document["_id"]
    if isinstance(name, UUID):
        return name
    kind = KINDS.get(table.collection, "play")
    return row_id(kind, str(name).replace(NUL, REPLACEMENT))
