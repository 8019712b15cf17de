"""Features from a table the user owns."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pyarrow as pa
import pytest
from airflow.sdk.io.store import attach
from pyarrow import parquet

from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.features import FEATURE_NAMES
from echotune.enrichment.providers.local_table import LocalTable
from echotune.enrichment.providers.mock import MockFeatures
from echotune.operators.history_path import history_path
from tests.history.test_source import closed_to_others
from tests.support.simulator import some_ids

IDS = some_ids(5)
VALUES = MockFeatures().look_up(IDS).found
ABSENT = some_ids(1, first=900)[0]

Row = dict[str, Any]
Write = Callable[[Path, list[Row]], Path]


def rows_of(ids: list[str] = IDS, id_column: str = "id") -> list[Row]:
    return [{id_column: id_, **VALUES[id_]} for id_ in ids]


def csv_text(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_csv(folder: Path, rows: list[Row]) -> Path:
    path = folder / "features.csv"
    path.write_text(csv_text(rows), encoding="utf-8")
    return path


def write_gzipped(folder: Path, rows: list[Row]) -> Path:
    path = folder / "features.csv.gz"
    path.write_bytes(gzip.compress(csv_text(rows).encode()))
    return path


def write_parquet(folder: Path, rows: list[Row]) -> Path:
    path = folder / "features.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    return path


every_format = pytest.mark.parametrize("write", [write_csv, write_gzipped, write_parquet])


@every_format
def test_a_row_is_found_by_its_id_with_its_very_values(tmp_path: Path, write: Write) -> None:
    lookup = LocalTable(write(tmp_path, rows_of())).look_up([IDS[3], ABSENT, IDS[0]])
    assert lookup.found == {IDS[3]: VALUES[IDS[3]], IDS[0]: VALUES[IDS[0]]}
    assert {type(value) for value in lookup.found[IDS[0]].values()} == {int, float}
    assert (set(lookup.absent), lookup.broken, lookup.refusal) == ({ABSENT}, {}, None)


@pytest.mark.parametrize("column", ["id", "track_id", "spotify_id", "uri", "spotify_track_uri", "Spotify_ID", " URI "])
@every_format
def test_the_column_of_ids_has_one_of_several_names(tmp_path: Path, write: Write, column: str) -> None:
    assert LocalTable(write(tmp_path, rows_of(id_column=column))).look_up(IDS).found == VALUES


@every_format
def test_uris_are_ids_too_and_other_things_are_no_tracks(tmp_path: Path, write: Write) -> None:
    rows = rows_of(id_column="uri")
    for row, prefix in zip(rows, ("spotify:track:",) * 3 + ("spotify:episode:", "spotify:local:a:b:"), strict=True):
        row["uri"] = prefix + row["uri"]
    rows[2]["uri"] = None
    lookup = LocalTable(write(tmp_path, rows)).look_up(IDS)
    assert set(lookup.found) == set(IDS[:2])
    assert lookup.absent == set(IDS[2:])


@every_format
def test_names_of_features_are_found_in_any_case_and_other_columns_do_not_matter(tmp_path: Path, write: Write) -> None:
    rows = [
        {"name": 'a "quoted"\nname, ü', "id": row.pop("id"), **{name.title(): value for name, value in row.items()}}
        for row in rows_of()
    ]
    assert LocalTable(write(tmp_path, rows)).look_up(IDS).found == VALUES


@every_format
def test_a_table_may_do_without_time_signatures(tmp_path: Path, write: Write) -> None:
    rows = [{name: value for name, value in row.items() if name != "time_signature"} for row in rows_of()]
    found = LocalTable(write(tmp_path, rows)).look_up(IDS).found
    assert all(set(values) == set(FEATURE_NAMES) - {"time_signature"} for values in found.values())


@every_format
@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("energy", 1.5, "energy is 1.5, not a number from 0 to 1"),
        ("key", 0.5, "key is 0.5, not a whole number"),
        ("tempo", None, "tempo is missing"),
        ("valence", float("nan"), "valence is nan"),
        ("loudness", float("inf"), "loudness is inf"),
    ],
)
def test_a_wrong_value_costs_its_row_and_says_where(
    tmp_path: Path, write: Write, column: str, value: Any, reason: str
) -> None:
    rows = rows_of()
    rows[2][column] = value
    path = write(tmp_path, rows)
    lookup = LocalTable(path).look_up(IDS)
    assert set(lookup.found) == set(IDS) - {IDS[2]}
    assert lookup.broken[IDS[2]].startswith(f"{path}, row 3: {reason}")


@pytest.mark.parametrize("write", [write_csv, write_gzipped])
def test_a_cell_that_is_no_number_costs_its_row(tmp_path: Path, write: Write) -> None:
    rows = rows_of()
    rows[4]["energy"] = "loud"
    lookup = LocalTable(write(tmp_path, rows)).look_up(IDS)
    assert lookup.found == {id_: VALUES[id_] for id_ in IDS[:4]}
    assert "row 5: energy is loud, not a number from 0 to 1" in lookup.broken[IDS[4]]


@every_format
def test_a_row_without_any_feature_says_that_there_are_none(tmp_path: Path, write: Write) -> None:
    rows = rows_of()
    rows[1] = {"id": IDS[1], **dict.fromkeys(FEATURE_NAMES)}
    lookup = LocalTable(write(tmp_path, rows)).look_up(IDS)
    assert (set(lookup.absent), lookup.broken) == ({IDS[1]}, {})


@every_format
def test_the_first_row_of_an_id_counts_and_others_are_told(
    tmp_path: Path, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [*rows_of(), {"id": IDS[1], **VALUES[IDS[0]]}]
    assert LocalTable(write(tmp_path, rows)).look_up(IDS).found == VALUES
    assert "has 1 rows for ids that are already in it: the first counts" in caplog.text


def test_other_kinds_of_numbers_are_read(tmp_path: Path) -> None:
    columns = {name: pa.array([VALUES[IDS[0]][name]]) for name in FEATURE_NAMES}
    columns["energy"] = pa.array([Decimal("0.25")])
    columns["valence"] = pa.array([0.5], pa.float16())
    columns["tempo"] = pa.array([120], pa.int64())
    columns["key"] = pa.array([5.0])
    parquet.write_table(pa.table({"id": pa.array([IDS[0]]).dictionary_encode(), **columns}), tmp_path / "odd.parquet")
    values = LocalTable(tmp_path / "odd.parquet").look_up([IDS[0]]).found[IDS[0]]
    assert {name: values[name] for name in ("energy", "valence", "tempo", "key")} == {
        "energy": 0.25,
        "valence": 0.5,
        "tempo": 120.0,
        "key": 5,
    }


def test_a_file_is_read_when_it_is_first_needed_and_once(tmp_path: Path) -> None:
    table = LocalTable(tmp_path / "features.csv")
    path = write_csv(tmp_path, rows_of())
    assert set(table.look_up(IDS[:1]).found) == {IDS[0]}
    path.unlink()
    assert set(table.look_up(IDS).found) == set(IDS)


def test_a_table_in_object_storage_is_read() -> None:
    bucket, memory = uuid4().hex, fsspec.filesystem("memory")
    attach("memory", fs=memory)
    memory.pipe(f"/{bucket}/features.csv", csv_text(rows_of()).encode())
    assert LocalTable(history_path(f"memory://{bucket}/features.csv")).look_up(IDS).found == VALUES


def refusal(path: Path) -> str:
    with pytest.raises(EnrichmentError) as raised:
        LocalTable(path).look_up(IDS)
    assert str(path) in str(raised.value)
    return str(raised.value)


@every_format
def test_a_missing_column_is_named(tmp_path: Path, write: Write) -> None:
    rows = [{name: value for name, value in row.items() if name not in ("energy", "tempo")} for row in rows_of()]
    assert "no column named energy and none named tempo" in refusal(write(tmp_path, rows))


@every_format
def test_a_table_without_ids_says_how_to_name_them(tmp_path: Path, write: Write) -> None:
    assert "name one of its columns id or track_id or" in refusal(write(tmp_path, rows_of(id_column="number")))


@every_format
def test_ids_that_are_none_are_told(tmp_path: Path, write: Write) -> None:
    rows = [row | {"id": number} for number, row in enumerate(rows_of())]
    assert "holds no Spotify id" in refusal(write(tmp_path, rows))


@every_format
def test_a_column_that_is_there_twice_is_told(tmp_path: Path, write: Write) -> None:
    assert "several columns named energy" in refusal(write(tmp_path, [row | {"Energy": 0} for row in rows_of()]))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no column of Spotify ids"),
        (b"PAR1 and no more", "cannot be read as a table"),
        (b"\x1f\x8b and no more", "cannot be read as a table"),
        (gzip.compress(csv_text(rows_of()).encode())[:-20], "cannot be read as a table"),
        (b"\xff\xfe\x00i\x00d", "cannot be read as a table"),
        (csv_text(rows_of()).encode() + b"one,cell too few\n", "cannot be read as a table"),
        (csv_text(rows_of()).splitlines()[0].encode() + b"\n", "has a header and no rows"),
        (b"<!DOCTYPE html><html></html>", "no column of Spotify ids"),
    ],
)
def test_a_file_that_is_no_table_is_told(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "features"
    path.write_bytes(content)
    assert reason in refusal(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "gone.csv")
    assert "is a folder" in refusal(tmp_path)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = write_csv(tmp_path, rows_of())
    with closed_to_others(path):
        assert "may not be read by this user" in refusal(path)
