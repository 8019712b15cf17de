"""The fields of Spotify's own exports, described once: which column of the combined CSV each is, or where else it goes.

The extended streaming history has a record for each play, exact to the second. The account data has the last year,
exact to the minute and with names only. Source of the names: files as Spotify sent them in 2019 to 2025.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from echotune.history.columns import HEADER
from echotune.history.errors import CellError
from echotune.history.records import LONGEST_ROW

UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_IN_MILLISECONDS = 10**11
"""A count of seconds that large is the year 5138; a count of milliseconds that large is 1973."""
LATEST_INSTANT = 253_402_300_799_999
"""The last millisecond of the year 9999."""
OFFLINE_TIMESTAMP = "offline_timestamp"
EXTENDED_TIME = re.compile(r"[0-9-]{10}T[0-9:]{8}Z")
ACCOUNT_TIME = re.compile(r"[0-9-]{10} [0-9:]{5}")


def instant_of_count(value: Any) -> datetime:
    """A point in time from a count since 1970, in seconds or in milliseconds: Spotify's files have both."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LATEST_INSTANT:
        raise ValueError("is not a count of seconds or milliseconds since 1970")
    return UNIX_EPOCH + timedelta(milliseconds=value if value >= FIRST_IN_MILLISECONDS else value * 1000)


def text_of(value: Any) -> str:
    """Take a text.

    :raises ValueError: it is not one; the message follows the name of the field
    """
    if not isinstance(value, str):
        raise ValueError("is not a text")
    return value


def truth_of(value: Any) -> bool:
    """Take true or false.

    :raises ValueError: it is neither; the message follows the name of the field
    """
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return value


@dataclass(frozen=True, kw_only=True)
class CellField:
    """A field that is a column of the combined CSV."""

    name: str
    column: str


@dataclass(frozen=True, kw_only=True)
class DetailField:
    """A field that the combined CSV has not: its place in the document, as section and field, and its type."""

    name: str
    section: str
    field: str
    read: Callable[[Any], Any] = text_of


class Details(NamedTuple):
    """What a record tells beside the cells.

    :param content_type: ``episode`` or ``chapter``; empty for a track, and where the record does not say
    :param sections: the values by section and field of the document
    :param identity: what tells plays of episodes and chapters apart, beside the identifying cells
    :param source: what goes to the document's ``source``
    """

    content_type: str
    sections: Mapping[str, dict[str, Any]]
    identity: tuple[str, ...]
    source: Mapping[str, Any]


EXTENDED_CELLS = tuple(
    CellField(name=name, column=column)
    for name, column in (
        ("spotify_track_uri", "spotify_track_uri"),
        ("ts", "ts_x"),
        ("username", "username"),
        ("platform", "platform"),
        ("ms_played", "ms_played_x"),
        ("conn_country", "conn_country"),
        ("ip_addr", "ip_addr_decrypted"),
        ("ip_addr_decrypted", "ip_addr_decrypted"),
        ("user_agent_decrypted", "user_agent_decrypted"),
        ("master_metadata_track_name", "master_metadata_track_name_x"),
        ("master_metadata_album_artist_name", "master_metadata_album_artist_name_x"),
        ("master_metadata_album_album_name", "master_metadata_album_album_name_x"),
        ("reason_start", "reason_start"),
        ("reason_end", "reason_end"),
        ("shuffle", "shuffle"),
        ("skipped", "skipped"),
        ("offline", "offline"),
    )
)
EXTENDED_DETAILS = (
    DetailField(name="spotify_episode_uri", section="episode", field="uri"),
    DetailField(name="episode_name", section="episode", field="name"),
    DetailField(name="episode_show_name", section="episode", field="show"),
    DetailField(name="audiobook_uri", section="audiobook", field="uri"),
    DetailField(name="audiobook_title", section="audiobook", field="title"),
    DetailField(name="audiobook_chapter_uri", section="audiobook", field="chapter_uri"),
    DetailField(name="audiobook_chapter_title", section="audiobook", field="chapter_title"),
    DetailField(name=OFFLINE_TIMESTAMP, section="listening", field=OFFLINE_TIMESTAMP, read=instant_of_count),
    DetailField(name="incognito_mode", section="listening", field="incognito_mode", read=truth_of),
)
ACCOUNT_CELLS = tuple(
    CellField(name=name, column=column)
    for name, column in (
        ("endTime", "ts_x"),
        ("msPlayed", "ms_played_x"),
        ("artistName", "master_metadata_album_artist_name_x"),
        ("trackName", "master_metadata_track_name_x"),
    )
)
ACCOUNT_DETAILS = (
    DetailField(name="podcastName", section="episode", field="show"),
    DetailField(name="episodeName", section="episode", field="name"),
    DetailField(name="authorName", section="audiobook", field="author"),
    DetailField(name="audiobookName", section="audiobook", field="title"),
    DetailField(name="chapterName", section="audiobook", field="chapter_title"),
)
CONTENT_SECTIONS = {"episode": "episode", "audiobook": "chapter"}
"""The sections of what is no track, and the content type that one of them makes."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """One of Spotify's exports.

    :param name: as documents carry it in ``source.format``
    :param marks: the fields that each of its records has
    :param instant: makes the cell of a time of it, as the combined CSV would write it
    :param precision: ``minute`` where its times are no more exact; empty where they are exact to the second
    """

    name: str
    cells: tuple[CellField, ...]
    details: tuple[DetailField, ...]
    marks: frozenset[str]
    instant: Callable[[str], str]
    precision: str = ""


def _extended_instant(written: str) -> str:
    """``2025-02-01T18:27:35Z`` as ``2025-02-01 18:27:35+00:00``; any other text as it is."""
    return f"{written[:10]} {written[11:-1]}+00:00" if EXTENDED_TIME.fullmatch(written) else written


def _account_instant(written: str) -> str:
    """``2025-02-01 18:27`` as ``2025-02-01 18:27:00+00:00``; any other text as it is."""
    return f"{written}:00+00:00" if ACCOUNT_TIME.fullmatch(written) else written


EXTENDED = Export(
    name="extended_export",
    cells=EXTENDED_CELLS,
    details=EXTENDED_DETAILS,
    marks=frozenset({"ts", "ms_played"}),
    instant=_extended_instant,
)
ACCOUNT = Export(
    name="account_export",
    cells=ACCOUNT_CELLS,
    details=ACCOUNT_DETAILS,
    marks=frozenset({"endTime", "msPlayed"}),
    instant=_account_instant,
    precision="minute",
)
EXPORTS = {export.name: export for export in (EXTENDED, ACCOUNT)}


def export_of(fields: Mapping[str, Any]) -> Export | None:
    """Tell which export a record is from, None where it is from neither."""
    return next((export for export in EXPORTS.values() if export.marks <= fields.keys()), None)


class ExportReader:
    """Reads the records of one export.

    :param username: the user of records that name none
    """

    def __init__(self, export: Export, *, username: str) -> None:
        index_of = {name: index for index, name in enumerate(HEADER)}
        self._export = export
        self._places = tuple((field.name, index_of[field.column]) for field in export.cells)
        self._time = index_of["ts_x"]
        self._user = index_of["username"]
        self._username = username
        self._known = {field.name for field in export.cells} | {field.name for field in export.details}
        self._source: dict[str, Any] = {"format": export.name}
        if export.precision:
            self._source["precision"] = export.precision

    def cells(self, record: Mapping[str, Any]) -> list[str]:
        """Return the 57 cells that the combined CSV would have for a record.

        :raises CellError: a field holds what is no single value
        """
        cells = [""] * len(HEADER)
        for name, index in self._places:
            value = record.get(name)
            if type(value) is str:
                cells[index] = value
            elif value is not None:
                cells[index] = _written(name, value)
        cells[self._time] = self._export.instant(cells[self._time])
        cells[self._user] = cells[self._user] or self._username
        return cells

    def details(self, record: Mapping[str, Any]) -> Details:
        """Return what a record tells beside the cells.

        :raises CellError: a field holds no value of its type
        """
        sections: dict[str, dict[str, Any]] = {}
        for name, section, field, read in self._filled(record):
            try:
                sections.setdefault(section, {})[field] = read(record[name])
            except ValueError as error:
                raise CellError(column=name, reason=str(error)) from None
        content = next((section for section in CONTENT_SECTIONS if section in sections), "")
        if record.get("spotify_track_uri") or not content:
            return Details("", sections, (), self._source | self._other(record))
        identity = (content, *(f"{field}={value}" for field, value in sorted(sections[content].items())))
        return Details(CONTENT_SECTIONS[content], sections, identity, self._source | self._other(record))

    def _filled(self, record: Mapping[str, Any]) -> Sequence[tuple[str, str, str, Callable[[Any], Any]]]:
        return [
            (field.name, field.section, field.field, field.read)
            for field in self._export.details
            if record.get(field.name) not in (None, "")
        ]

    def _other(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept as it was written: fields that nobody knows yet, and a time in milliseconds."""
        kept: dict[str, Any] = {}
        if record.keys() - self._known:
            other = {name: value for name, value in record.items() if name not in self._known and value is not None}
            if other:
                kept["other_fields"] = _other_fields(other)
        if OFFLINE_TIMESTAMP in self._known and (record.get(OFFLINE_TIMESTAMP) or 0) >= FIRST_IN_MILLISECONDS:
            kept["offline_timestamp_unit"] = "ms"
        return kept


def _other_fields(fields: Mapping[str, Any]) -> str:
    """The JSON of fields that nobody knows yet.

    :raises CellError: no document holds it
    """
    text = json.dumps(fields, ensure_ascii=False)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        name = next(name for name, value in fields.items() if "\\ud" in json.dumps(value))
        raise CellError(column=name, reason="holds what is no character") from None
    if size > LONGEST_ROW:
        raise CellError(
            column=max(fields, key=lambda name: len(json.dumps(fields[name]))),
            reason=f"takes more than {LONGEST_ROW:,} bytes",
        )
    return text


def _written(name: str, value: Any) -> str:
    """A value of JSON as the combined CSV writes it."""
    if isinstance(value, dict | list):
        raise CellError(column=name, reason="holds more than a single value")
    if isinstance(value, float) and not math.isfinite(value):
        raise CellError(column=name, reason="is not a finite number")
    return str(value)
