"""The load of files into a real MongoDB: every row accounted for, nothing twice, nothing lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from echotune.history.document import cells_of
from echotune.history.errors import HistoryError
from echotune.history.plan import plan_file
from echotune.history.preflight import inspect_file
from echotune.history.privacy import PersonalDataPolicy
from echotune.history.settings import LoadSettings
from echotune.history.source import HistoryFile
from echotune.history.store import HistoryStore
from local.sample import DEFECTS, HEADER, Defect, bad_rows, write_sample
from tests.support.cells import (
    BOOLEANS,
    DECIMALS,
    IDENTIFYING,
    INSTANTS,
    SIGNED,
    WHOLE,
    WORDS_FOR_NOTHING,
)
from tests.support.databases import contents, everything, plays_of
from tests.support.loading import load_file, load_planned, require_reconciled
from tests.support.rows import csv_text, read_csv, row, rows, write_csv

ADDRESS = "203.0.113.77"
AGENT = "Spotify/8.4.9 Android/23 (OnePlus ONE E1003)"
PERSONAL = {"ip_addr_decrypted": ADDRESS, "user_agent_decrypted": AGENT}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.csv"


def distinct_plays(found: list[list[str]]) -> int:
    places = [HEADER.index(name) for name in IDENTIFYING]
    return len({tuple(cells[place] for place in places) for cells in found})


@pytest.mark.parametrize(("count", "users", "seed"), [(700, 1, 1), (900, 3, 2)])
def test_every_row_of_a_sample_is_accounted_for(
    store: HistoryStore, path: Path, count: int, users: int, seed: int
) -> None:
    write_sample(path, rows=count, users=users, seed=seed, bad_rows=20)
    loaded = load_file(store, path, chunk_rows=200)
    assert loaded.counts.rows == loaded.counts.accounted == count
    require_reconciled(store, loaded)


def test_every_distinct_play_of_a_sample_is_one_document(store: HistoryStore, path: Path) -> None:
    write_sample(path, rows=900, users=2, seed=4)
    load_file(store, path, chunk_rows=200)
    assert store.plays.count_documents({}) == distinct_plays(read_csv(path))


def test_the_source_rows_can_be_told_again_from_the_collection(store: HistoryStore, path: Path) -> None:
    write_sample(path, rows=600, users=2, seed=4)
    load_file(store, path, chunk_rows=200, pii_policy="keep")
    rows_of_file = read_csv(path)
    plays = list(store.plays.find())
    assert [cells_of(play) for play in plays] == [rows_of_file[play["source"]["row"] - 1] for play in plays]


def test_an_exact_repeat_is_counted_and_not_stored(store: HistoryStore, path: Path) -> None:
    write_csv(path, [row(), *rows(2), row()])
    counts = load_file(store, path).counts
    assert (counts.inserted, counts.repeats) == (3, 1)


def test_plays_that_differ_in_one_column_are_all_kept(store: HistoryStore, path: Path) -> None:
    write_csv(path, [row(), row(reason_start="clickrow"), row(shuffle="True"), row(platform="web")])
    assert load_file(store, path).counts.inserted == 4


@pytest.mark.parametrize("word", WORDS_FOR_NOTHING)
def test_a_band_named_like_nothing_keeps_its_name(store: HistoryStore, path: Path, word: str) -> None:
    load_file(store, write_csv(path, [row(master_metadata_album_artist_name_x=word)]))
    assert store.plays.distinct("track.artist") == [word]


def test_columns_in_another_order_load_the_same(store: HistoryStore, path: Path) -> None:
    order = list(HEADER)
    random.Random(1).shuffle(order)
    cells = row(PERSONAL)
    load_file(store, write_csv(path, [[cells[HEADER.index(name)] for name in order]], header=order), pii_policy="keep")
    assert [cells_of(play) for play in store.plays.find()] == [cells]


def test_a_gzipped_file_loads_the_same(store: HistoryStore, tmp_path: Path) -> None:
    for name in ("history.csv", "history.csv.gz"):
        write_sample(tmp_path / name, rows=300, seed=8)
    load_file(store, tmp_path / "history.csv")
    before = plays_of(store)
    loaded = load_file(store, tmp_path / "history.csv.gz", chunk_rows=170)
    assert loaded.counts.inserted == 0
    assert plays_of(store) == before


# --- bad rows


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_bad_row_is_kept_with_file_row_column_and_reason(store: HistoryStore, path: Path, defect: Defect) -> None:
    count = 60
    write_sample(path, rows=count, seed=1, bad_rows=len(DEFECTS))
    number = next(bad.row for bad in bad_rows(rows=count, count=len(DEFECTS), seed=1) if bad.defect is defect)
    load_file(store, path)
    kept = store.rejected_rows.find_one({"source.row": number})
    assert kept is not None
    sha256 = inspect_file(HistoryFile(path=path)).sha256
    assert kept["source"] == {"file": "history.csv", "sha256": sha256, "row": number}
    assert kept.get("column") == defect.column
    assert kept["reason"].split()[0] in {"is", "has", "holds"}


def test_bad_rows_cost_no_other_row(store: HistoryStore, path: Path) -> None:
    write_sample(path, rows=200, seed=1, bad_rows=20)
    bad = {entry.row for entry in bad_rows(rows=200, count=20, seed=1)}
    load_file(store, path, chunk_rows=30)
    good = [cells for number, cells in enumerate(read_csv(path), start=1) if number not in bad]
    assert store.plays.count_documents({}) == distinct_plays(good)
    assert {kept["source"]["row"] for kept in store.rejected_rows.find()} == bad


def test_a_rejected_row_keeps_its_text(store: HistoryStore, path: Path) -> None:
    load_file(store, write_csv(path, [row(Energy="loud")]))
    kept = store.rejected_rows.find_one()
    assert kept is not None
    assert kept["raw"] == csv_text([row(Energy="loud")]).splitlines()[1]


@pytest.mark.timeout(30)
def test_rows_with_a_nul_a_giant_cell_or_wrong_bytes_cost_no_other_row(store: HistoryStore, path: Path) -> None:
    write_csv(path, [row(), row(platform="a\0b"), row(platform="x" * 10_000_000), row(Label="é"), *rows(2)])
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xe9"))
    counts = load_file(store, path).counts
    assert (counts.inserted, counts.rejected) == (3, 3)


@pytest.mark.timeout(30)
def test_a_row_larger_than_a_document_costs_no_other_row(store: HistoryStore, path: Path) -> None:
    typed = WHOLE | SIGNED | DECIMALS | BOOLEANS | INSTANTS
    giant = row({name: "😀" * 131_000 for name in HEADER if name not in typed})
    write_csv(path, [row(), giant, *rows(2)])
    counts = load_file(store, path, pii_policy="keep").counts
    assert (counts.inserted, counts.rejected) == (3, 1)


def test_the_same_bad_row_is_kept_once_however_often_it_is_loaded(store: HistoryStore, path: Path) -> None:
    write_csv(path, [row(Energy="loud"), *rows(3)])
    load_file(store, path)
    load_file(store, path, chunk_rows=2)
    assert store.rejected_rows.count_documents({}) == 1


def test_bad_rows_of_files_of_one_name_in_two_folders_are_all_kept(store: HistoryStore, tmp_path: Path) -> None:
    for folder in ("2019", "2020"):
        (tmp_path / folder).mkdir()
        load_file(store, write_csv(tmp_path / folder / "h.csv", [row(Energy="loud"), *rows(2, start=int(folder))]))
    assert store.rejected_rows.count_documents({}) == 2


def test_stop_names_file_row_column_and_reason(store: HistoryStore, path: Path) -> None:
    write_csv(path, [*rows(4), row(Energy="loud")])
    with pytest.raises(HistoryError, match="history.csv, row 5: Energy is not a number: mend the file, or set"):
        load_file(store, path, on_bad_row="stop")


def test_stop_stops_at_a_row_that_an_earlier_load_put_aside(store: HistoryStore, path: Path) -> None:
    write_csv(path, [*rows(4), row(Energy="loud")])
    load_file(store, path)
    with pytest.raises(HistoryError, match="history.csv, row 5"):
        load_file(store, path, on_bad_row="stop")


def test_too_many_bad_rows_stop_the_load(store: HistoryStore, path: Path) -> None:
    write_csv(path, [row(Energy="loud"), row(Energy="soft"), *rows(8)])
    with pytest.raises(HistoryError, match="history.csv: 2 of 10 rows are bad, more than max_bad_share .10.0%. allows"):
        load_file(store, path, max_bad_share=0.1)


def test_as_many_bad_rows_as_allowed_do_not_stop_the_load(store: HistoryStore, path: Path) -> None:
    write_csv(path, [row(Energy="loud"), *rows(9)])
    assert load_file(store, path, max_bad_share=0.1).counts.inserted == 9


# --- again


def test_a_second_load_changes_no_byte(store: HistoryStore, path: Path) -> None:
    write_sample(path, rows=500, seed=6, bad_rows=10)
    load_file(store, path, chunk_rows=200)
    before = everything(store.database)
    again = load_file(store, path, chunk_rows=200)
    after = everything(store.database)
    assert [name for name in before if before[name] != after[name]] == []
    assert again.counts.inserted == 0


def test_a_load_in_other_chunks_changes_no_play(store: HistoryStore, path: Path) -> None:
    write_sample(path, rows=500, seed=6)
    load_file(store, path, chunk_rows=200)
    before = contents(store.plays)
    load_file(store, path, chunk_rows=90)
    assert contents(store.plays) == before


def test_a_load_in_other_chunks_is_reconciled(store: HistoryStore, path: Path) -> None:
    write_csv(path, rows(10))
    load_file(store, path, chunk_rows=5)
    require_reconciled(store, load_file(store, path, chunk_rows=3))


def test_two_files_that_overlap_make_no_doubles(store: HistoryStore, tmp_path: Path) -> None:
    load_file(store, write_csv(tmp_path / "one.csv", rows(60)))
    counts = load_file(store, write_csv(tmp_path / "two.csv", rows(60, start=40))).counts
    assert (counts.inserted, counts.already_there) == (40, 20)
    assert store.plays.count_documents({}) == 100


def test_a_play_that_is_there_keeps_the_source_that_brought_it(store: HistoryStore, tmp_path: Path) -> None:
    load_file(store, write_csv(tmp_path / "one.csv", rows(5)))
    load_file(store, write_csv(tmp_path / "two.csv", rows(5, start=1)))
    assert store.plays.count_documents({"source.file": "one.csv"}) == 5


def test_a_file_that_grew_brings_only_its_new_rows(store: HistoryStore, path: Path) -> None:
    load_file(store, write_csv(path, rows(50)), chunk_rows=20)
    before = contents(store.plays)
    loaded = load_file(store, write_csv(path, rows(70)), chunk_rows=20)
    assert (loaded.counts.inserted, loaded.counts.already_there) == (20, 50)
    assert {key: play for key, play in contents(store.plays).items() if key in before} == before


def test_a_file_that_grew_is_reconciled(store: HistoryStore, path: Path) -> None:
    load_file(store, write_csv(path, rows(50)), chunk_rows=20)
    require_reconciled(store, load_file(store, write_csv(path, rows(70)), chunk_rows=20))


def test_what_enrichment_wrote_survives_another_load(store: HistoryStore, path: Path) -> None:
    write_csv(path, rows(10))
    load_file(store, path, chunk_rows=5)
    enriched = {"audio_features": {"energy": 0.5}, "track.popularity": 77, "metadata.genres": ["pop"]}
    store.plays.update_many({}, {"$set": enriched})
    before = contents(store.plays)
    load_file(store, path, chunk_rows=3)
    assert contents(store.plays) == before


# --- dry run


def test_a_dry_run_writes_nothing_to_an_empty_database(store: HistoryStore, path: Path) -> None:
    write_sample(path, rows=200, seed=2, bad_rows=5)
    load_file(store, path, dry_run=True, chunk_rows=50)
    assert store.database.list_collection_names() == []


def test_a_dry_run_writes_nothing_to_a_database_with_plays(store: HistoryStore, path: Path) -> None:
    load_file(store, write_csv(path, [row(Energy="loud"), *rows(20), *rows(5)]))
    before = everything(store.database)
    load_file(store, write_csv(path, [row(Energy="soft"), *rows(30), *rows(5)]), dry_run=True, chunk_rows=7)
    assert everything(store.database) == before


@pytest.mark.parametrize("chunk_rows", [10, 1_000], ids=["many chunks", "one chunk"])
def test_a_dry_run_foretells_the_load(store: HistoryStore, path: Path, chunk_rows: int) -> None:
    load_file(store, write_csv(path, rows(20)))
    write_csv(path, [row(Energy="loud"), *rows(40), *rows(5, start=30)])
    foretold = load_file(store, path, dry_run=True, chunk_rows=chunk_rows).counts
    counts = load_file(store, path, chunk_rows=chunk_rows).counts
    assert (foretold.inserted, foretold.already_there, foretold.repeats, foretold.rejected) == (
        counts.inserted,
        counts.already_there,
        counts.repeats,
        counts.rejected,
    )


# --- one user of several


def test_only_the_plays_of_the_user_asked_for_are_loaded(store: HistoryStore, path: Path) -> None:
    write_csv(path, [*rows(4), row(username="berta"), row(username="Anna")])
    counts = load_file(store, path, username="anna").counts
    assert (counts.inserted, counts.other_users, counts.accounted) == (4, 2, 6)
    assert store.plays.distinct("user.username") == ["anna"]


def test_a_bad_row_of_another_user_is_not_rejected(store: HistoryStore, path: Path) -> None:
    write_csv(path, [*rows(4), row(username="berta", Energy="loud")])
    assert load_file(store, path, username="anna").counts.rejected == 0


def test_users_loaded_one_by_one_come_to_the_whole_file(store: HistoryStore, path: Path) -> None:
    write_csv(path, [*rows(4), row(username="berta")])
    load_file(store, path, username="anna")
    load_file(store, path, username="berta")
    loaded = load_file(store, path)
    require_reconciled(store, loaded)
    assert loaded.counts.already_there == 5


# --- personal data


def hard_rows_with_personal_data() -> list[list[str]]:
    return [
        row(PERSONAL),
        row(PERSONAL, Energy="loud"),
        row(PERSONAL, platform="a\0b"),
        row(PERSONAL, platform="5 " * 70_000),
        row(PERSONAL)[:40],
        [*row(PERSONAL), "surplus"],
        row(PERSONAL, reason_end="STRAY"),
        row(PERSONAL, reason_end="é"),
    ]


def write_hard_rows(path: Path) -> Path:
    write_csv(path, hard_rows_with_personal_data())
    content = path.read_bytes().replace(b"STRAY", b'"stray').replace("é".encode(), b"\xe9")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("policy", ["drop", "hash"])
def test_personal_data_is_nowhere_in_the_database(store: HistoryStore, path: Path, policy: str) -> None:
    load_file(store, write_hard_rows(path), pii_policy=policy)
    written = b"".join(everything(store.database).values())
    assert [
        secret for secret in (ADDRESS, AGENT, "Spotify/8.4.9", "OnePlus ONE E1003") if secret.encode() in written
    ] == []


def test_personal_data_of_a_row_in_another_order_is_nowhere_in_the_database(store: HistoryStore, path: Path) -> None:
    turned = [list(reversed(cells)) for cells in (row(PERSONAL), row(PERSONAL, Energy="loud"), row(PERSONAL)[:40])]
    load_file(store, write_csv(path, turned, header=list(reversed(HEADER))))
    assert ADDRESS.encode() not in b"".join(everything(store.database).values())


def test_keep_keeps_personal_data(store: HistoryStore, path: Path) -> None:
    load_file(store, write_csv(path, [row(PERSONAL)]), pii_policy="keep")
    assert store.plays.count_documents({"user.ip_address": ADDRESS, "user.user_agent": AGENT}) == 1


def test_the_policy_is_none_of_the_identity(store: HistoryStore, path: Path) -> None:
    write_csv(path, [row(PERSONAL), *rows(3)])
    for policy in PersonalDataPolicy:
        load_file(store, path, pii_policy=policy)
    assert store.plays.count_documents({}) == 4


# --- files that change


def test_a_file_that_changed_after_the_plan_is_an_error(store: HistoryStore, path: Path) -> None:
    settings = LoadSettings()
    plan, (chunk,) = plan_file(store, path, inspect_file(HistoryFile(path=write_csv(path, rows(5)))), settings)
    write_csv(path, rows(5, start=1))
    with pytest.raises(HistoryError, match="history.csv was changed while it was loaded"):
        load_planned(store, path, chunk, plan, settings)


def test_a_file_that_moved_is_loaded_from_where_it_is(store: HistoryStore, path: Path) -> None:
    settings = LoadSettings()
    plan_file(store, path, inspect_file(HistoryFile(path=write_csv(path, rows(5)))), settings)
    moved = path.rename(path.with_name("moved.csv"))
    plan, (chunk,) = plan_file(store, moved, inspect_file(HistoryFile(path=moved)), settings)
    assert load_planned(store, moved, chunk, plan, settings).inserted == 5
