"""A sample's plays, each once, and as another source tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from echotune.history.counts import LoadCounts
from echotune.history.play_writer import PlayWriter
from echotune.history.store import HistoryStore
from echotune.spotify_account.plays import shape_play, source_sha256
from echotune.spotify_account.progress import finish_load
from local.sample import HEADER
from tests.support.cells import IDENTIFYING

Cells = Sequence[str]


def cell(cells: Cells, column: str) -> str:
    return cells[HEADER.index(column)]


def distinct(rows: Sequence[Cells]) -> list[Cells]:
    """The plays of a history, each once, the oldest first."""
    places = [HEADER.index(name) for name in IDENTIFYING]
    plays = {tuple(cells[place] for place in places): cells for cells in rows}
    return sorted(plays.values(), key=lambda cells: cell(cells, "ts_x"))


def in_other_words(record: dict[str, Any], chance: Random) -> dict[str, Any]:
    """What Spotify writes differently over the years; the play is the same."""
    if chance.random() < 0.5:
        record["platform"] = "android"
    if chance.random() < 0.3:
        record["ms_played"] += chance.randint(-40, 40) if record["ms_played"] > 40 else 0
    if chance.random() < 0.2:
        record["conn_country"] = "ZZ"
    return record


def item_of(cells: Cells, chance: Random) -> dict[str, Any]:
    """A play as the Web API tells it: to the millisecond, a little before or after."""
    ended = datetime.fromisoformat(cell(cells, "ts_x")) + timedelta(milliseconds=chance.randint(-1_500, 2_500))
    return {
        "played_at": ended.astimezone(UTC).isoformat(timespec="milliseconds"),
        "track": {
            "uri": cell(cells, "spotify_track_uri"),
            "name": cell(cells, "master_metadata_track_name_x"),
            "artists": [{"name": cell(cells, "master_metadata_album_artist_name_x")}],
        },
    }


def load_recent(store: HistoryStore, username: str, items: Sequence[dict[str, Any]]) -> None:
    """Write what the Web API tells of a listener as a load does."""
    plays = [shape_play(item, username, datetime.now(UTC)) for item in items]
    writer = PlayWriter(store, sha256=source_sha256(username), expect_known=True, dry_run=False)
    writer.write({play["_id"]: play for play in plays})
    finish_load(store, username, LoadCounts(), first_row=0)
