"""A whole sync by the functions that the operators call, and small histories to sync."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection, sql

from echotune.history.store import HistoryStore
from echotune.indexes.mongo import declared_indexes, ensure_indexes
from echotune.sync.batches import BATCH_DOCUMENTS
from echotune.sync.counts import SyncCounts
from echotune.sync.plan import plan_sync
from echotune.sync.runs import finish_run, start_run
from echotune.sync.settings import SyncSettings
from echotune.sync.source import SyncSource
from echotune.sync.synchronise import sync_slice

Document = dict[str, Any]

FIRST_PLAY = datetime(2021, 11, 30, 22, 0, tzinfo=UTC)


def sync_all(
    connection: Connection[Any],
    store: HistoryStore,
    *,
    run_id: str = "",
    batch_documents: int = BATCH_DOCUMENTS,
    **settings: Any,
) -> dict[str, SyncCounts]:
    """Plan and copy everything, and return what it took by table; tables where nothing changed are not named."""
    chosen = SyncSettings.of(settings)
    source = SyncSource(store, read_preference=chosen.read_preference)
    run = run_id or f"test {uuid4()}"
    start_run(connection, run, chosen)
    counts: dict[str, SyncCounts] = {}
    for slice_ in plan_sync(connection, source, run, chosen):
        done = sync_slice(connection, source, run, slice_.number, batch_documents=batch_documents)
        counts[slice_.table] = counts.get(slice_.table, SyncCounts()) + done
    finish_run(connection, run, {})
    return counts


def with_indexes(store: HistoryStore) -> HistoryStore:
    """The same store, with its declared indexes made."""
    ensure_indexes(store.database, declared_indexes(plays=store.plays.name))
    return store


def changed(document: Mapping[str, Any], **fields: Any) -> Document:
    """A document with other fields, as if it was written now; a field of None is taken away."""
    merged = {**document, **fields, "updated_at": now()}
    return {name: value for name, value in merged.items() if value is not None}


def now() -> datetime:
    """The time in the milliseconds of MongoDB."""
    return datetime.now(UTC).replace(microsecond=0)


def spotify_id(number: int) -> str:
    """The id of a track, artist or album."""
    return f"{number:022d}"


def play(number: int, *, track: int | None = 1, username: str = "listener", **fields: Any) -> Document:
    """A play; those of neighbouring numbers are nine days apart."""
    document = {
        "_id": UUID(int=number),
        "timestamp": FIRST_PLAY + timedelta(days=9 * number),
        "user": {"username": username, "platform": "web", "country": "DE"},
        "track": {"name": f"Track {track}", "artist": "Artist 1", "album": "Album 1"},
        "listening": {"ms_played": 1000 + number, "reason_start": "clickrow", "skipped": False},
        "updated_at": now(),
    }
    if track is not None:
        document["spotify_track_uri"] = f"spotify:track:{spotify_id(track)}"
    return document | fields


def track(number: int, **fields: Any) -> Document:
    """A track with two artists, an album and audio features."""
    document = {
        "_id": spotify_id(number),
        "uri": f"spotify:track:{spotify_id(number)}",
        "name": f"Track {number}",
        "artist": "Artist 1",
        "album": "Album 1",
        "album_uri": f"spotify:album:{spotify_id(1)}",
        "artist_uris": [f"spotify:artist:{spotify_id(1)}", f"spotify:artist:{spotify_id(2)}"],
        "artist_names": ["Artist 1", "Artist 2"],
        "duration_ms": 200_000,
        "explicit": False,
        "release_date": "1999-12",
        "play_count": 3,
        "first_played_at": FIRST_PLAY,
        "audio_features": {"danceability": 0.5, "energy": 0.25, "key": 7, "tempo": 120.0},
        "enrichment": {"audio_features": {"status": "enriched", "provider": "reccobeats"}},
        "updated_at": now(),
    }
    return document | fields


def artist(number: int, **fields: Any) -> Document:
    """An artist."""
    document = {
        "_id": spotify_id(number),
        "uri": f"spotify:artist:{spotify_id(number)}",
        "name": f"Artist {number}",
        "genres": ["dream pop", "shoegaze"],
        "followers": 5_000_000_000,
        "play_count": 9,
        "updated_at": now(),
    }
    return document | fields


def album(number: int, **fields: Any) -> Document:
    """An album of the first artist."""
    document = {
        "_id": spotify_id(number),
        "uri": f"spotify:album:{spotify_id(number)}",
        "name": f"Album {number}",
        "artist": "Artist 1",
        "artist_uris": [f"spotify:artist:{spotify_id(1)}"],
        "artist_names": ["Artist 1"],
        "release_date": "1999-12-31",
        "total_tracks": 12,
        "updated_at": now(),
    }
    return document | fields


def small_history(store: HistoryStore, *, plays: int = 20) -> None:
    """Plays over some months and a turn of the year, with all they refer to."""
    store.plays.insert_many([play(number, track=number % 3 + 1) for number in range(plays)])
    store.tracks.insert_many([track(number) for number in (1, 2, 3)])
    store.artists.insert_many([artist(number) for number in (1, 2)])
    store.albums.insert_one(album(1))


def rows_of(connection: Connection[Any], table: str, columns: Iterable[str]) -> list[tuple[Any, ...]]:
    """All rows of a table, in order."""
    statement = sql.SQL("select {} from {} order by 1, 2").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*table.split("."))
    )
    return connection.execute(statement).fetchall()
