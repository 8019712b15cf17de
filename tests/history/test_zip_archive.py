"""A ZIP as it was downloaded: its histories are found and read, and what would do harm is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from echotune.history.errors import HistoryError
from echotune.history.source import HistoryFile, find_files, open_history
from tests.support.exports import write_zip

HISTORY = "MyData/Streaming_History_Audio_2019_6.json"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my_spotify_data.zip"


def test_the_histories_in_a_zip_are_found_and_nothing_else(path: Path) -> None:
    names = [HISTORY, "MyData/Streaming_History_Video_2018-2024.json", "MyData/endsong_0.json"]
    others = ["MyData/ReadMeFirst.pdf", "MyData/Userdata.json", "MyData/Playlist1.json"]
    write_zip(path, dict.fromkeys([*names, *others], b"[]"))
    assert [file.member for file in find_files(path)] == sorted(names)


def test_account_data_is_found_too(path: Path) -> None:
    write_zip(path, {"Spotify Account Data/StreamingHistory_music_0.json": b"[]", "StreamingHistory0.json": b"[]"})
    assert [file.name for file in find_files(path)] == ["StreamingHistory_music_0.json", "StreamingHistory0.json"]


def test_a_member_is_read_where_it_lies(path: Path) -> None:
    write_zip(path, {HISTORY: b"[1, 2]"})
    with open_history(HistoryFile(path=path, member=HISTORY)) as stream:
        stream.seek(3)
        assert stream.read() == b" 2]"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/evil.json", "a/../../evil.json", "C:\\evil.json", "..\\evil.json"]
)
def test_a_member_that_would_leave_its_folder_is_refused(path: Path, name: str) -> None:
    write_zip(path, {HISTORY: b"[]", name: b"[]"})
    with pytest.raises(HistoryError, match="leads out of its folder"):
        find_files(path)


def test_a_bomb_is_refused_before_it_is_unpacked(path: Path) -> None:
    write_zip(path, {HISTORY: b" " * (65 * 2**20)})
    with pytest.raises(HistoryError, match="no listening history shrinks that much"):
        find_files(path)


def test_a_member_that_lies_about_its_size_is_called_damaged(path: Path) -> None:
    write_zip(path, {HISTORY: b"[" + b" " * 5000 + b"]"})
    content = path.read_bytes()
    size = (5002).to_bytes(4, "little")
    path.write_bytes(content.replace(size, (40).to_bytes(4, "little")))
    with (
        pytest.raises(HistoryError, match="damaged"),
        open_history(HistoryFile(path=path, member=HISTORY)) as stream,
    ):
        stream.read()


def test_an_encrypted_member_is_named(path: Path) -> None:
    write_zip(path, {HISTORY: b"[]"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(HistoryError, match="2019_6.json is encrypted"):
        find_files(path)


def test_two_members_of_one_name_are_refused_for_only_one_could_be_read(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(HISTORY, b"[1]")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(HISTORY, b"[2]")
    with pytest.raises(HistoryError, match="my_spotify_data.zip holds .*2019_6.json 2 times"):
        find_files(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_is_packed_as_spotify_never_does_is_named(path: Path, method: int) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(HISTORY, b"[]")
    with pytest.raises(HistoryError, match="2019_6.json is not packed as Spotify does"):
        find_files(path)


def test_a_zip_whose_directory_lies_about_its_place_is_called_damaged(path: Path) -> None:
    write_zip(path, {HISTORY: b"[]"})
    content = path.read_bytes()
    path.write_bytes(content[:4] + content[5:])
    with (
        pytest.raises(HistoryError, match=r"my_spotify_data\.zip is damaged"),
        open_history(HistoryFile(path=path, member=HISTORY)),
    ):
        pass


def test_a_name_with_backslashes_is_a_history_too(path: Path) -> None:
    write_zip(path, {HISTORY.replace("/", "\\"): b"[]"})
    assert [file.member for file in find_files(path)] == [HISTORY.replace("/", "\\")]


def test_a_zip_without_a_history_says_what_it_should_hold(path: Path) -> None:
    write_zip(path, {"photos/cat.json": b"[]"})
    with pytest.raises(HistoryError, match="holds no listening history: none of its 1 files"):
        find_files(path)


def test_a_zip_that_is_cut_off_is_called_damaged(path: Path) -> None:
    write_zip(path, {HISTORY: b"[]" * 500})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(HistoryError, match="damaged inside its compression"):
        find_files(path)


def test_a_member_that_is_gone_is_named(path: Path) -> None:
    write_zip(path, {"endsong_0.json": b"[]"})
    with (
        pytest.raises(HistoryError, match="2019_6.json is gone"),
        open_history(HistoryFile(path=path, member=HISTORY)),
    ):
        pass


def test_the_folder_that_unpacking_leaves_is_found_below(tmp_path: Path, path: Path) -> None:
    write_zip(path, {HISTORY: b"[]", "MyData/ReadMeFirst.pdf": b"%PDF"})
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    assert [file.name for file in find_files(folder)] == ["Streaming_History_Audio_2019_6.json"]
    assert find_files(folder / "MyData") == find_files(folder)
