"""The same history as Spotify's own export would have it: JSON records, in files of a ZIP."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from local.sample.columns import HEADER

FOLDER = "Spotify Extended Streaming History"
RECORDS_A_FILE = 16_000
"""About what Spotify puts into each file."""

_NAME_FIELDS = {
    "master_metadata_track_name": "master_metadata_track_name_x",
    "master_metadata_album_artist_name": "master_metadata_album_artist_name_x",
    "master_metadata_album_album_name": "master_metadata_album_album_name_x",
    "spotify_track_uri": "spotify_track_uri",
}
_FLAGS = {"True": True, "False": False}


def record_of(cells: Sequence[str]) -> dict[str, Any]:
    """The record of a play, from the cells of its row in the combined CSV. It names no user, as newer exports do."""
    cell = dict(zip(HEADER, cells, strict=True))
    return {
        "ts": cell["ts_x"].replace(" ", "T").replace("+00:00", "Z"),
        "platform": cell["platform"],
        "ms_played": int(cell["ms_played_x"]),
        "conn_country": cell["conn_country"],
        "ip_addr": cell["ip_addr_decrypted"] or None,
        **{name: cell[column] or None for name, column in _NAME_FIELDS.items()},
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "audiobook_title": None,
        "audiobook_uri": None,
        "audiobook_chapter_uri": None,
        "audiobook_chapter_title": None,
        "reason_start": cell["reason_start"],
        "reason_end": cell["reason_end"],
        "shuffle": _FLAGS.get(cell["shuffle"]),
        "skipped": _FLAGS.get(cell["skipped"]),
        "offline": _FLAGS.get(cell["offline"]),
        "offline_timestamp": None,
        "incognito_mode": False,
    }


def write_export(path: Path, records: Iterable[Mapping[str, Any]], *, records_a_file: int = RECORDS_A_FILE) -> None:
    """Write records into the files of a ZIP as Spotify sends it."""
    remaining = iter(records)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{FOLDER}/ReadMeFirst_ExtendedStreamingHistory.pdf", b"%PDF-1.4\n")
        for number, part in enumerate(_parts(remaining, records_a_file)):
            name = f"{FOLDER}/Streaming_History_Audio_{part[0]['ts'][:4]}_{number}.json"
            archive.writestr(name, json.dumps(part, indent=2, ensure_ascii=False))


def _parts(records: Iterator[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    while part := list(islice(records, size)):
        yield part
