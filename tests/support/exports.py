"""Spotify's own exports, small and as a test wants them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from echotune.history.counts import LoadCounts
from echotune.history.plan import plan_file
from echotune.history.preflight import inspect_file
from echotune.history.settings import LoadSettings
from echotune.history.source import find_files
from echotune.history.store import HistoryStore
from local.sample.export import FOLDER, record_of
from tests.support.loading import load_planned
from tests.support.rows import row

Record = dict[str, Any]

EPISODE = {
    "spotify_track_uri": None,
    "master_metadata_track_name": None,
    "master_metadata_album_artist_name": None,
    "master_metadata_album_album_name": None,
    "spotify_episode_uri": "spotify:episode:0000000000000000000009",
    "episode_name": "The Lighthouse",
    "episode_show_name": "Stories",
}
CHAPTER = EPISODE | {
    "spotify_episode_uri": None,
    "episode_name": None,
    "episode_show_name": None,
    "audiobook_title": "The Sea",
    "audiobook_uri": "spotify:show:0000000000000000000007",
    "audiobook_chapter_uri": "spotify:episode:0000000000000000000008",
    "audiobook_chapter_title": "Chapter 1",
}


def record(fields: Mapping[str, Any] | None = None, /, **more: Any) -> Record:
    """A record of the extended export: a usual one, but for the fields given."""
    return record_of(row()) | dict(fields or {}) | more


def account_record(**more: Any) -> Record:
    """A record of the account data."""
    usual = {"endTime": "2017-04-04 06:32", "artistName": "Quartet", "trackName": "Bohemian", "msPlayed": 84834}
    return usual | more


def write_json(path: Path, records: Iterable[Mapping[str, Any]], *, indent: int | None = None) -> Path:
    path.write_text(json.dumps(list(records), indent=indent, ensure_ascii=False), encoding="utf-8")
    return path


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def history_zip(path: Path, *files: Iterable[Mapping[str, Any]]) -> Path:
    """A ZIP as Spotify sends it, with a file for each list of records."""
    return write_zip(
        path,
        {
            f"{FOLDER}/Streaming_History_Audio_2017_{number}.json": json.dumps(list(records)).encode()
            for number, records in enumerate(files)
        },
    )


def load_source(store: HistoryStore, source: Path, *, username: str = "anna", **settings: Any) -> LoadCounts:
    """Load all histories that a source names."""
    chosen = LoadSettings.of({"max_bad_share": 1, "username": username} | settings)
    counts = []
    for file in find_files(source):
        plan, chunks = plan_file(store, Path(str(file.path)), inspect_file(file, username=username), chosen)
        counts.append(plan.done)
        counts += [load_planned(store, Path(chunk.path), chunk, plan, chosen) for chunk in chunks]
    return LoadCounts.total(counts)
