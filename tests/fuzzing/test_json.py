"""Whatever is in Spotify's exports: each record becomes just the play it tells, or is rejected with its reason."""

from __future__ import annotations

import io
import json
import math
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from echotune.history.document import cells_of
from echotune.history.errors import HistoryError
from echotune.history.exports import ACCOUNT_DETAILS, EXTENDED_DETAILS
from echotune.history.source import HistoryFile, find_files
from local.sample import HEADER
from tests.fuzzing.cases import in_time, part_of_cases
from tests.fuzzing.damage import damaged
from tests.fuzzing.reading import MemoryPath, Outcome, read_history
from tests.support.exports import CHAPTER, EPISODE, Record, account_record, record

EXTENDED_COLUMNS = {
    "ts": "ts_x",
    "ms_played": "ms_played_x",
    "ip_addr": "ip_addr_decrypted",
    **{name: name for name in HEADER[:16] if not name.endswith("_x")},
    **{name.removesuffix("_x"): name for name in HEADER[8:11]},
}
ACCOUNT_COLUMNS = {
    "endTime": "ts_x",
    "msPlayed": "ms_played_x",
    "artistName": "master_metadata_album_artist_name_x",
    "trackName": "master_metadata_track_name_x",
}
DETAILS = {field.name: field for field in (*EXTENDED_DETAILS, *ACCOUNT_DETAILS)}
FIELDS = [*record(), "username", "ip_addr_decrypted", "user_agent_decrypted", "mood", "", "a.b", "$set", "ts_x", "é"]
ACCOUNT_FIELDS = [*ACCOUNT_COLUMNS, *(field.name for field in ACCOUNT_DETAILS), "offline_timestamp", "mood", "username"]


class Deep:
    """A value in many lists or objects, which json would not write."""

    def __init__(self, depth: int, inner: str) -> None:
        self.text = "[" * depth + inner + "]" * depth if depth % 2 else '{"a":' * depth + inner + "}" * depth

    def __repr__(self) -> str:
        return f"Deep({self.text.count('[') or self.text.count('{')})"


DEPTHS = st.sampled_from([1, 2, 50, 98, 99, 100, 101, 120, 700, 3000])
SCALARS = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 1.5, 1e300, -0.0, 84834.0, 5e-324, math.nan, math.inf, -math.inf, 2**63, 10**30),
        *(1_491_287_000, 1_491_287_000_123, 253_402_300_799_999, 253_402_300_800_000, 10**11, 10**11 - 1, 10**4000),
        *("", " ", "x", "nan", "NaN", "Null", "None", "a\0b", "\ud800", "\udcff", "a\ud83d", "😀", "\ufdd0", "\ufeff"),
        *(
            "2017-04-04T06:32:04Z",
            "2017-04-04 06:32",
            "2017-04-04T06:32:04",
            "0000-00-00T00:00:00Z",
            "9999-99-99 99:99",
        ),
        *(
            "2024-02-30T00:00:00Z",
            "-----------T--------Z",
            "84834",
            "1e3",
            "True",
            "false",
            "=cmd()",
            'a"b',
            "{",
            "}",
            "][",
        ),
        *("x" * 131_072, "x" * 131_073, "é" * 70_000, "spotify:track:1", "spotify:episode:2", "203.0.113.7"),
    ]
)
VALUES = st.recursive(
    SCALARS | st.text(max_size=5) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
NESTED = st.builds(Deep, DEPTHS, st.sampled_from(["[1]", '{"a":1}', '"\\ud800"']))
BASES = st.sampled_from([record(), record(EPISODE), record(CHAPTER), record(username="anna", ip_addr="203.0.113.7")])


def written(value: Any, *, ascii_only: bool, indent: int | None) -> str:
    """The JSON of a record, with values that are deep."""
    deep: list[str] = []

    def name(found: Any) -> str:
        deep.append(found.text)
        return f"deep value {len(deep) - 1}"

    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, default=name)
    return re.sub(r'"deep value (\d+)"', lambda match: deep[int(match[1])], text)


def content_of(parts: Iterable[str], separator: str = ",\n") -> bytes:
    return f"[{separator.join(parts)}]".encode("utf-8", "surrogatepass")


def read(content: bytes, **options: Any) -> Outcome:
    return read_history(HistoryFile(path=MemoryPath("endsong_0.json", content)), **options)


def is_empty(value: Any) -> bool:
    return value is None or value == ""


def expected_cells(fields: Mapping[str, Any], columns: Mapping[str, str], username: str = "anna") -> list[str]:
    """The cells that the combined CSV would have."""
    cell = dict.fromkeys(HEADER, "")
    for name, column in columns.items():
        if fields.get(name) is not None:
            cell[column] = str(fields[name])
    cell["ts_x"] = re.sub(r"^([0-9-]{10})T([0-9:]{8})Z$", r"\1 \2+00:00", cell["ts_x"])
    if columns is ACCOUNT_COLUMNS:
        cell["ts_x"] = re.sub(r"^([0-9-]{10} [0-9:]{5})$", r"\1:00+00:00", cell["ts_x"])
    cell["username"] = cell["username"] or username
    return list(cell.values())


def require_told(play: Mapping[str, Any], fields: Mapping[str, Any], columns: Mapping[str, str]) -> None:
    """A document tells all that its record told."""
    assert cells_of(play) == expected_cells(fields, columns)
    known = EXTENDED_DETAILS if columns is EXTENDED_COLUMNS else ACCOUNT_DETAILS
    for field in known:
        value = fields.get(field.name)
        stored = play.get(field.section, {}).get(field.field)
        assert stored == (None if is_empty(value) else _instant(value) if field.name == "offline_timestamp" else value)
        assert type(value) is not float or stored is None
    names = {field.name for field in known} | columns.keys()
    other = {name: value for name, value in fields.items() if name not in names and value is not None}
    kept = play["source"].get("other_fields")
    assert (json.dumps(json.loads(kept)) if kept else "{}") == json.dumps(other)
    has_track = bool(fields.get("spotify_track_uri")) if columns is EXTENDED_COLUMNS else False
    is_episode = any(field.section == "episode" and not is_empty(fields.get(field.name)) for field in known)
    is_chapter = any(field.section == "audiobook" and not is_empty(fields.get(field.name)) for field in known)
    content = None if has_track else "episode" if is_episode else "chapter" if is_chapter else None
    assert play.get("content_type") == content


def _instant(value: Any) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value if value >= 10**11 else value * 1000)


@part_of_cases(0.3)
@given(
    st.lists(
        st.tuples(BASES, st.dictionaries(st.sampled_from(FIELDS), VALUES | NESTED, max_size=3)), min_size=1, max_size=4
    ),
    st.booleans(),
    st.sampled_from([None, 0, 2]),
    st.sampled_from([1, 2, 99]),
    st.sampled_from(["keep", "hash", "drop"]),
)
@in_time
def test_a_record_of_the_extended_export_becomes_its_play_or_is_rejected(
    drawn: list[tuple[Record, dict[str, Any]]], ascii_only: bool, indent: int | None, chunk_rows: int, policy: str
) -> None:
    parts = [written(base | strange, ascii_only=ascii_only, indent=indent) for base, strange in drawn]
    require_accounted(parts, [strange for _, strange in drawn], EXTENDED_COLUMNS, chunk_rows, policy)


@part_of_cases(0.1)
@given(
    st.lists(st.dictionaries(st.sampled_from(ACCOUNT_FIELDS), VALUES, max_size=3), min_size=1, max_size=4),
    st.booleans(),
)
@in_time
def test_a_record_of_the_account_data_becomes_its_play_or_is_rejected(
    drawn: list[dict[str, Any]], ascii_only: bool
) -> None:
    parts = [written(account_record(**strange), ascii_only=ascii_only, indent=None) for strange in drawn]
    require_accounted(parts, drawn, ACCOUNT_COLUMNS, 99, "keep")


def require_accounted(
    parts: Sequence[str], changes: Sequence[Mapping[str, Any]], columns: Mapping[str, str], chunk_rows: int, policy: str
) -> None:
    outcome = read(content_of(parts), chunk_rows=chunk_rows, policy=policy)
    has_deep = any(isinstance(value, Deep) for strange in changes for value in strange.values())
    if outcome.problem:
        assert has_deep, outcome.problem
        return
    if not has_deep:
        assert len(outcome.records) == len(parts)
    for number, play in outcome.plays.items():
        raw = outcome.records[number].raw
        if policy == "keep":
            require_told(play, json.loads(raw.decode("utf-8").strip(", \r\n\t")), columns)
    if not has_deep:
        for number, rejected in outcome.rejected.items():
            strange = changes[number - 1]
            names = [name.encode(errors="replace").decode() for name in strange]
            may_be_wrong = {"", *names, *(columns.get(name, name) for name in names)} if strange else set()
            assert rejected.column in may_be_wrong, f"{rejected} is not for a field that is strange"


SEPARATORS = re.compile(r"\A[\s,]+")
"""What may stand before a record: damage makes other blanks than those of JSON, too."""

LINES = st.lists(
    st.builds(
        lambda base, changes: written(base | changes, ascii_only=False, indent=None),
        BASES,
        st.dictionaries(st.sampled_from(FIELDS), SCALARS.filter(lambda value: not is_long(value)), max_size=2),
    ),
    min_size=1,
    max_size=4,
)


def is_long(value: Any) -> bool:
    return isinstance(value, str) and len(value) > 1000


@part_of_cases(0.4)
@given(st.data(), LINES, st.sampled_from([",", ",\n", " , "]))
@in_time
def test_a_file_with_damage_gives_no_record_that_is_not_in_it(
    data: st.DataObject, parts: list[str], separator: str
) -> None:
    content = data.draw(damaged(content_of(parts, separator)))
    outcome = read(content)
    if outcome.problem:
        return
    for number, play in outcome.plays.items():
        fields = json.loads(SEPARATORS.sub("", outcome.records[number].raw.decode()))
        columns = EXTENDED_COLUMNS if play["source"]["format"] == "extended_export" else ACCOUNT_COLUMNS
        require_told(play, fields, columns)
    assert told(read(content, chunk_rows=1)) == told(outcome)
    if (whole := python_reads(content)) is not None:
        assert [record.fields for record in outcome.records.values()] == whole or "NaN" in str(whole)
        assert len(outcome.records) == len(whole)


def told(outcome: Outcome) -> Any:
    """All but the words of the reason, which may say what stands behind the row: another chunk does not see that."""
    plays = {number: cells_of(play) for number, play in outcome.plays.items()}
    return plays, {number: (one.column, one.raw) for number, one in outcome.rejected.items()}


def python_reads(content: bytes) -> list[Any] | None:
    """The records as Python's json module reads them; None where it does not, or not as records."""
    try:
        found = json.loads(content.decode())
    except (ValueError, RecursionError):
        return None
    is_list = isinstance(found, list) and all(isinstance(one, dict) for one in found)
    return found if is_list else None


MEMBERS = st.sampled_from(
    [
        *(
            "endsong_0.json",
            "MyData/endsong_1.json",
            "MyData/Streaming_History_Audio_2019_6.json",
            "a/b/endsong_2.json",
        ),
        *(
            "ENDSONG_0.JSON",
            "MyData\\endsong_1.json",
            "endsong_é😀.json",
            "endsong_0.json ",
            "endsong_.json",
            "./endsong_0.json",
        ),
        *("../endsong_0.json", "/endsong_0.json", "C:endsong_0.json", "ReadMe.pdf", "MyData/", "endsong_\udcff.json"),
        *("endsong_a\nb.json", "endsong_\x1b[31m.json", "x" * 300 + "/endsong_3.json", "StreamingHistory_music_0.json"),
    ]
)
METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])


@part_of_cases(0.2)
@given(st.data(), st.lists(st.tuples(MEMBERS, st.integers(0, 3), METHODS), min_size=1, max_size=3), st.booleans())
@in_time
def test_a_zip_brings_the_records_of_its_members_or_is_refused(
    data: st.DataObject, members: list[tuple[str, int, int]], is_whole: bool
) -> None:
    records = [
        [record(ms_played=1000 * place + number) for number in range(count)]
        for place, (_, count, _) in enumerate(members)
    ]
    content = zipped([(name, part, method) for (name, _, method), part in zip(members, records, strict=True)])
    assume(content is not None)
    assert content is not None
    path = MemoryPath("my_spotify_data.zip", content if is_whole else data.draw(damaged(content)))
    try:
        files = find_files(path)
    except HistoryError as error:
        assert path.name in str(error)
        return
    if not path.content.startswith(b"PK\x03\x04"):
        return
    outcomes = [read_history(file) for file in files]
    found = [play["listening"]["ms_played"] for outcome in outcomes for play in outcome.plays.values()]
    assert len(set(found)) == len(found), "a record is told twice"
    histories = [
        part
        for (name, _, _), part in zip(members, records, strict=True)
        if re.search(r"(?i)(^|[/\\])(endsong|Strea)[^/\\\n]*\.json\Z", name)
    ]
    if is_whole and not any(outcome.problem for outcome in outcomes):
        assert sorted(found) == sorted(one["ms_played"] for part in histories for one in part)
    assert set(found) <= {one["ms_played"] for part in records for one in part}


def zipped(members: Sequence[tuple[str, list[Record], int]]) -> bytes | None:
    """A ZIP; None where zipfile refuses to write it."""
    stream = io.BytesIO()
    try:
        with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(stream, "w") as archive:
            for name, part, method in members:
                archive.writestr(zipfile.ZipInfo(name), json.dumps(part), compress_type=method)
    except (ValueError, UnicodeError):
        return None
    return stream.getvalue()
