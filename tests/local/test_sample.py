"""The sample generator: the header, the sizes and every trap of the real file, counted from outside."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from local.sample import DEFECTS, bad_rows, sample_rows, write_sample
from local.sample.__main__ import main

HEADER_LINE = (
    "spotify_track_uri,ts_x,username,platform,ms_played_x,conn_country,ip_addr_decrypted,"
    "user_agent_decrypted,master_metadata_track_name_x,master_metadata_album_artist_name_x,"
    "master_metadata_album_album_name_x,reason_start,reason_end,shuffle,skipped,offline,track_id,"
    "master_metadata_track_name_y,master_metadata_album_artist_name_y,"
    "master_metadata_album_album_name_y,ts_y,ms_played_y,Track URI,Track Name_releases,"
    "Artist URI(s)_releases,Artist Name(s)_releases,Album URI_releases,Album Name_releases,"
    "Album Artist URI(s)_releases,Album Artist Name(s)_releases,Album Release Date_releases,"
    "Album Image URL_releases,Disc Number_releases,Track Number_releases,"
    "Track Duration (ms)_releases,Track Preview URL_releases,Explicit_releases,"
    "Popularity_releases,ISRC_releases,Added By_releases,Added At_releases,Artist Genres,"
    "Danceability,Energy,Key,Loudness,Mode,Speechiness,Acousticness,Instrumentalness,Liveness,"
    "Valence,Tempo,Time Signature,Album Genres,Label,Copyrights"
)
HEADER = HEADER_LINE.split(",")
PLAY_COLUMNS = [*HEADER[:6], *HEADER[8:16]]
NAME_COLUMNS = HEADER[8:11]
COMMITTED_SAMPLE = Path(__file__).parents[2] / "include/data/sample_listening_history.csv"

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, strict=True))


def share(rows: list[Row], column: str, value: str) -> float:
    return sum(row[column] == value for row in rows) / len(rows)


def repeats(rows: list[Row], columns: list[str]) -> int:
    return len(rows) - len({tuple(row[column] for column in columns) for row in rows})


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "history.csv"
    write_sample(path, rows=20_000, users=2, seed=11)
    return path


@pytest.fixture(scope="module")
def rows(sample: Path) -> list[Row]:
    return read(sample)


def test_header_and_line_ends(sample: Path) -> None:
    content = sample.read_bytes()
    assert content.startswith(HEADER_LINE.encode() + b"\n")
    assert len(HEADER) == 57
    assert b"\r" not in content
    assert content.endswith(b"\n")


def test_every_row_has_57_cells(sample: Path) -> None:
    with sample.open(encoding="utf-8", newline="") as text:
        assert {len(row) for row in csv.reader(text, strict=True)} == {57}


def test_pandas_sees_the_same_rows(sample: Path, rows: list[Row]) -> None:
    frame = pd.read_csv(sample, dtype=str, keep_default_na=False)
    assert len(frame) == len(rows) == 20_000
    assert frame["Copyrights"].tolist() == [row["Copyrights"] for row in rows]


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv", "one.csv.gz", "two.csv.gz"):
        write_sample(tmp_path / name, rows=700, users=3, seed=5)
    plain = (tmp_path / "one.csv").read_bytes()
    assert plain == (tmp_path / "two.csv").read_bytes()
    assert (tmp_path / "one.csv.gz").read_bytes() == (tmp_path / "two.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.csv.gz").read_bytes()) == plain


def test_the_bytes_of_a_seed_never_change(tmp_path: Path) -> None:
    """A digest from another run: it would differ if hash order or the clock had a part in it."""
    write_sample(tmp_path / "fixed.csv", rows=500, users=2, seed=5)
    digest = hashlib.sha256((tmp_path / "fixed.csv").read_bytes()).hexdigest()
    assert digest == "1f9215eaf5f8376edc8c1265bfc3dd5af5660ba99e6c6e35098578a36c9c09e8"


def test_another_seed_is_another_history() -> None:
    first, second = ({row[0] for row in sample_rows(rows=300, seed=seed)} for seed in (1, 2))
    assert first & second <= {""}


def test_every_user_has_plays(rows: list[Row]) -> None:
    counts = Counter(row["username"] for row in rows)
    assert len(counts) == 2
    assert min(counts.values()) > 1_000


def test_plays_without_a_track(rows: list[Row]) -> None:
    without = [row for row in rows if not row["spotify_track_uri"]]
    assert len(without) / len(rows) == pytest.approx(0.085, abs=0.01)
    for row in without:
        assert {row[name] for name in NAME_COLUMNS} == {"Unknown"}
        assert not any(row[name] for name in HEADER[16:])
    assert all(row["ms_played_y"] for row in rows if row["spotify_track_uri"])


def test_repeats_of_the_short_keys_and_none_of_the_whole_play(rows: list[Row]) -> None:
    short = ["spotify_track_uri", "ts_x", "username"]
    assert repeats(rows, short) / len(rows) == pytest.approx(917 / 12_409, rel=0.15)
    assert repeats(rows, [*short, "ms_played_x"]) / len(rows) == pytest.approx(84 / 12_409, rel=0.35)
    assert repeats(rows, PLAY_COLUMNS) == 0


def test_twins_differ_in_reason_start_or_shuffle_only(rows: list[Row]) -> None:
    twins = defaultdict(set)
    for row in rows:
        key = (row["spotify_track_uri"], row["ts_x"], row["username"], row["ms_played_x"])
        twins[key].add(tuple(row[name] for name in HEADER[:16]))
    for group in twins.values():
        differing = {HEADER[i] for i in range(16) if len({cells[i] for cells in group}) > 1}
        assert differing <= {"reason_start", "shuffle"}


def test_times_are_utc_seconds_sorted_in_parts_only(rows: list[Row]) -> None:
    assert all(len(row["ts_x"]) == 25 and row["ts_x"].endswith("+00:00") for row in rows)
    assert {row["ts_x"][:4] for row in rows} == {str(year) for year in range(2010, 2025)}
    descents = sum(before["ts_x"] > after["ts_x"] for before, after in pairwise(rows))
    assert 1 <= descents < 10


def test_offline_bursts_share_a_second(rows: list[Row]) -> None:
    bursts = Counter(row["ts_x"] for row in rows if row["offline"] == "True")
    assert sum(bursts.values()) / len(rows) == pytest.approx(0.06, abs=0.03)
    assert max(bursts.values()) >= 15


def test_flags_and_lengths(rows: list[Row]) -> None:
    assert {row["shuffle"] for row in rows} == {row["offline"] for row in rows} == {"True", "False"}
    assert {row["skipped"] for row in rows} == {"True", "False", ""}
    assert share(rows, "reason_end", "") > 0.08
    assert all(1 <= int(row["ms_played_x"]) <= 1_600_000 for row in rows)


def test_text_traps(rows: list[Row]) -> None:
    platforms = {row["platform"] for row in rows}
    assert "Android OS 6.0.1 API 23 (OnePlus, ONE E1003)" in platforms
    assert "Partner google cast_tv;Chromecast;;1.25.90308" in platforms
    assert any('"' in platform for platform in platforms)
    assert 0.002 < share(rows, "conn_country", "ZZ") < 0.04
    names = "\t".join({row[name] for row in rows for name in NAME_COLUMNS})
    for sign in (",", '"', "$", "*", "\n", "夜", "바", "\u0301", "\u0628", "\u05d0", "\U0001f525"):
        assert sign in names, repr(sign)
    titles = {row["master_metadata_track_name_x"] for row in rows}
    artists = {row["master_metadata_album_artist_name_x"] for row in rows}
    assert {"Null", "NA", "None", "nan"} <= titles & artists
    assert any(title.startswith(" ") for title in titles)
    assert any(title.endswith(" ") for title in titles)


def test_addresses_are_filled_in_the_older_years(rows: list[Row]) -> None:
    def filled(first: str, last: str) -> float:
        chosen = [row for row in rows if first <= row["ts_x"][:4] <= last]
        return 1 - share(chosen, "ip_addr_decrypted", "")

    assert filled("2010", "2014") > 0.8
    assert filled("2020", "2024") < 0.05
    addresses = {row["ip_addr_decrypted"] for row in rows}
    assert any(":" in address for address in addresses)
    assert any(address.count(".") == 3 for address in addresses)


def test_a_track_has_one_matched_play_and_one_set_of_catalog_values(rows: list[Row]) -> None:
    matched, catalog = defaultdict(set), defaultdict(set)
    for row in rows:
        if row["spotify_track_uri"]:
            matched[row["spotify_track_uri"]].add(tuple(row[name] for name in HEADER[16:22]))
        if row["Track URI"]:
            catalog[row["spotify_track_uri"]].add(tuple(row[name] for name in HEADER[22:]))
    assert {len(values) for values in matched.values()} == {1}
    assert {len(values) for values in catalog.values()} == {1}
    assert all(row["ms_played_y"].endswith(".0") for row in rows if row["spotify_track_uri"])


def test_matched_play_is_a_play_of_the_file(rows: list[Row]) -> None:
    plays = {(row["spotify_track_uri"], row["ts_x"], row["ms_played_x"] + ".0") for row in rows}
    for row in rows:
        if row["spotify_track_uri"]:
            assert (row["spotify_track_uri"], row["ts_y"], row["ms_played_y"]) in plays


def test_playlist_columns_are_mostly_empty_and_typed_as_pandas_writes_them(rows: list[Row]) -> None:
    joined = [row for row in rows if row["Track URI"]]
    assert 0.005 < len(joined) / len(rows) < 0.15
    assert any(not any(row["Track URI"] for row in rows[start : start + 2_500]) for start in range(0, 17_500, 2_500)), (
        "some stretch of the file has no playlist columns at all"
    )
    assert {len(row["Album Release Date_releases"]) for row in joined} == {4, 7, 10}
    assert {row["Explicit_releases"] for row in joined} == {"True", "False"}
    for column in ("Disc Number", "Track Number", "Track Duration (ms)", "Popularity"):
        assert all(row[f"{column}_releases"].endswith(".0") for row in joined)
    assert any(row["Artist URI(s)_releases"].count("spotify:artist:") > 1 for row in joined)
    assert any("," in row["Artist Genres"] for row in joined)
    assert all("©" in row["Copyrights"] and "℗" in row["Copyrights"] for row in joined)


def test_audio_features_are_within_their_ranges(rows: list[Row]) -> None:
    featured = [row for row in rows if row["Energy"]]
    assert 0 < len(featured) < sum(bool(row["Track URI"]) for row in rows)
    for row in featured:
        for column in ("Danceability", "Energy", "Speechiness", "Acousticness", "Instrumentalness"):
            assert 0 <= float(row[column]) <= 1
        assert -60 < float(row["Loudness"]) < 0
        assert 40 < float(row["Tempo"]) < 220
        assert row["Key"].endswith(".0")
        assert row["Mode"] in ("0.0", "1.0")


def test_sizes_of_the_real_file(tmp_path: Path) -> None:
    """About six seconds: the file is written once and not read again."""
    facts = write_sample(tmp_path / "history.csv", rows=208_934, users=1, seed=7)
    assert facts.rows == 208_934
    assert facts.tracks == pytest.approx(41_900, rel=0.02)
    assert facts.artists == pytest.approx(9_800, rel=0.02)
    assert (facts.first_year, facts.last_year) == (2010, 2024)
    assert facts.size_bytes == pytest.approx(77_000_000, rel=0.02)


def test_hours_scale_with_the_rows(rows: list[Row]) -> None:
    hours = sum(int(row["ms_played_x"]) for row in rows) / 3_600_000
    assert hours / len(rows) == pytest.approx(6_949 / 208_934, rel=0.05)


@pytest.mark.parametrize("count", [1, 3, 40])
def test_any_number_of_rows(count: int) -> None:
    made = list(sample_rows(rows=count, users=1, seed=3))
    assert [len(row) for row in made] == [57] * count


def test_crowded_histories_stay_unique_and_in_time() -> None:
    """40,000 plays of 400 users: many small parts."""
    made = list(sample_rows(rows=40_000, users=400, seed=3))
    assert len({row[2] for row in made}) == 400
    assert len({(*row[:6], *row[8:16]) for row in made}) == 40_000
    assert max(row[1] for row in made) < "2024-09-13"


def test_bad_rows_are_where_the_plan_says(tmp_path: Path) -> None:
    write_sample(tmp_path / "good.csv", rows=500, seed=4)
    write_sample(tmp_path / "bad.csv", rows=500, seed=4, bad_rows=25)
    good, bad = (_cells(tmp_path / name) for name in ("good.csv", "bad.csv"))
    differing = [number for number in range(1, 501) if good[number] != bad[number]]
    plan = bad_rows(rows=500, count=25, seed=4)
    assert [entry.row for entry in plan] == differing
    assert {entry.defect for entry in plan} == set(DEFECTS)
    for entry in plan:
        row = bad[entry.row]
        if entry.defect.column is None:
            assert len(row) != 57
        else:
            assert row[HEADER.index(entry.defect.column)] == entry.defect.value


def _cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.reader(text))


@pytest.mark.parametrize(
    "arguments", [{"rows": 0}, {"rows": 3, "users": 4}, {"rows": 3, "users": 0}, {"rows": 3, "seed": -1}]
)
def test_impossible_arguments_write_nothing(tmp_path: Path, arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        write_sample(tmp_path / "history.csv", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "history.csv"
    target.write_text("old")

    def broken(**_: int) -> object:
        yield [""] * 57
        raise OSError("disk full")

    monkeypatch.setattr("local.sample.writer.sample_rows", broken)
    with pytest.raises(OSError, match="disk full"):
        write_sample(target, rows=10)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_command_prints_one_line_of_facts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "new" / "history.csv.gz"
    main(["--rows", "200", "--users", "2", "--seed", "9", "--bad-rows", "3", "--output", str(output)])
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert "200 rows (3 of them bad), 40 tracks" in printed
    assert f"{output.stat().st_size:,} bytes" in printed


def test_committed_sample_is_what_the_generator_makes(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample.csv", rows=3_000, users=2, seed=7)
    assert COMMITTED_SAMPLE.read_bytes() == (tmp_path / "sample.csv").read_bytes()
