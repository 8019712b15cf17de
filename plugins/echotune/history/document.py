"""The shape of a play: from the cells of a row to its MongoDB document, and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from echotune.history.columns import COLUMNS, Column
from echotune.history.enriched import as_exported
from echotune.history.errors import CellError
from echotune.history.exports import Details
from echotune.history.identity import play_id
from echotune.history.privacy import PersonalData
from echotune.history.values import TEXT

Document = dict[str, Any]

Sections = dict[str, Document]

TRACK_SECTIONS = {"track", "matched_play", "release", "metadata", "audio_features"}
"""Sections that tell of the track: the same for each of its plays."""

MOMENT_PATHS = {"spotify_track_uri", "timestamp", "listening.ms_played"}
"""What differs from play to play. The rest of a play (user, platform, reasons, flags) takes few combinations."""

PARTS_KEPT = 4_096
"""Combinations of repeating cells that are kept shaped, of tracks and of circumstances each: more take no less time."""


class Place(NamedTuple):
    """Where the cell of one column goes: resolved once from the column, used for every row."""

    name: str
    section: str
    field: str
    parse: Callable[[str], Any] | None
    is_canonical: Callable[[str, Any], bool]
    write: Callable[[Any], str]
    required: bool


def place_of(column: Column) -> Place:
    """Return where the cell of a column goes."""
    section, _, field = column.path.rpartition(".")
    parse = None if column.type is TEXT else column.type.parse
    return Place(column.name, section, field, parse, column.type.is_canonical, column.type.write, column.required)


def places_of(is_part: Callable[[Column], bool]) -> tuple[tuple[Place, ...], Callable[[Sequence[str]], Sequence[str]]]:
    """Return the places of some columns, and the function that picks their cells out of a row."""
    indexes = [index for index, column in enumerate(COLUMNS) if is_part(column)]
    return tuple(place_of(COLUMNS[index]) for index in indexes), itemgetter(*indexes)


def tells_of_track(column: Column) -> bool:
    """Whether a column tells of the track: the same for each of its plays."""
    return column.path.split(".")[0] in TRACK_SECTIONS


def is_moment(column: Column) -> bool:
    """Whether a column differs from play to play."""
    return column.path in MOMENT_PATHS


def is_circumstance(column: Column) -> bool:
    """Whether a column tells of user, device or flags."""
    return not (column.personal or is_moment(column) or tells_of_track(column))


PLACES = tuple(place_of(column) for column in COLUMNS)
MOMENT_PLACES, moment_cells = places_of(is_moment)
CIRCUMSTANCE_PLACES, circumstance_cells = places_of(is_circumstance)
TRACK_PLACES, track_cells = places_of(tells_of_track)
PERSONAL_PLACES, personal_cells = places_of(lambda column: column.personal)
IDENTIFYING_PLACES, identifying_cells = places_of(lambda column: column.identifies_play)


class PlayShaper:
    """Shapes the rows of one file.

    :param file: the file's name, as it is written into each document's ``source``
    :param sha256: the file's SHA-256, in hexadecimal
    :param personal_data: what to do with IP addresses and user agents
    :param now: the time written as created_at and updated_at
    """

    def __init__(self, *, file: str, sha256: str, personal_data: PersonalData, now: datetime) -> None:
        self._file = file
        self._sha256 = sha256
        self._now = now.astimezone(UTC).replace(tzinfo=None)
        self._personal = personal_data.transformation()

    def shape(self, row: int, cells: Sequence[str], details: Details | None = None) -> Document:
        """Return the document of a row: 57 cells in the order of the header, and what only an export tells.

        :raises CellError: a required cell is empty, or a cell holds no value of its type
        """
        moment, moment_as_written = _read_cells(MOMENT_PLACES, moment_cells(cells))
        circumstances, circumstances_as_written = circumstances_part(circumstance_cells(cells))
        track, track_as_written = track_part(track_cells(cells))
        identity = identifying_cells(cells)
        if moment_as_written or circumstances_as_written:
            identity = _canonical_cells(identity)
        source: Document = {"file": self._file, "sha256": self._sha256, "row": row}
        if moment_as_written or circumstances_as_written or track_as_written:
            source["as_written"] = moment_as_written | circumstances_as_written | track_as_written
        user = circumstances["user"]
        if any(personal := personal_cells(cells)):
            user = user | self._personal_fields(personal)
        document = {
            "_id": play_id(identity),
            **moment[""],
            "user": user,
            "listening": moment["listening"] | circumstances.get("listening", {}),
            **track,
            "source": source,
            "created_at": self._now,
            "updated_at": self._now,
        }
        if details:
            _add_details(document, identity, details)
        return document

    def _personal_fields(self, cells: Sequence[str]) -> Document:
        return {
            place.field: stored
            for place, cell in zip(PERSONAL_PLACES, cells, strict=True)
            if cell and (stored := self._personal(cell)) is not None
        }


def _add_details(document: Document, identity: Sequence[str], details: Details) -> None:
    """Write what only an export tells. What was played takes part in the identity where no cell tells it."""
    if details.identity:
        document["_id"] = play_id([*identity, *details.identity])
        document["content_type"] = details.content_type
    for section, values in details.sections.items():
        document[section] = document.get(section, {}) | values
    document["source"] |= details.source


@lru_cache(maxsize=PARTS_KEPT)
def track_part(cells: Sequence[str]) -> tuple[Sections, dict[str, str]]:
    """Shape what a row tells of its track: shared by the documents of its plays, so never to be changed."""
    return _read_cells(TRACK_PLACES, cells)


@lru_cache(maxsize=PARTS_KEPT)
def circumstances_part(cells: Sequence[str]) -> tuple[Sections, dict[str, str]]:
    """Shape what a row tells of user, device and flags: shared by many documents, so never to be changed."""
    return _read_cells(CIRCUMSTANCE_PLACES, cells)


def _read_cells(places: Sequence[Place], cells: Sequence[str]) -> tuple[Sections, dict[str, str]]:
    """Return the values by section and field, and the cells that are not written canonically, by column."""
    sections: defaultdict[str, Document] = defaultdict(dict)
    as_written = {}
    for place, cell in zip(places, cells, strict=True):
        if not cell:
            if place.required:
                raise CellError(column=place.name, reason="is empty")
            continue
        name, section, field, parse, is_canonical, _, _ = place
        if parse is None:
            sections[section][field] = cell
            continue
        try:
            value = parse(cell)
        except ValueError as error:
            raise CellError(column=name, reason=str(error)) from None
        if not is_canonical(cell, value):
            as_written[name] = cell
        sections[section][field] = value
    return sections, as_written


def _canonical_cells(cells: Sequence[str]) -> list[str]:
    """Write each identifying value canonically, so that ``true`` and ``True`` make the same id."""
    return [
        place.write(place.parse(cell)) if place.parse and cell else cell
        for place, cell in zip(IDENTIFYING_PLACES, cells, strict=True)
    ]


def cells_of(document: Mapping[str, Any]) -> list[str]:
    """Tell a play's source cells again from its document, enriched or not; personal cells as the policy left them."""
    as_written = document["source"].get("as_written", {})
    exported = as_exported(document)
    return [as_written.get(place.name) or _written(place, exported) for place in PLACES]


def _written(place: Place, document: Mapping[str, Any]) -> str:
    section = document.get(place.section, {}) if place.section else document
    value = section.get(place.field)
    return "" if value is None else place.write(value)
