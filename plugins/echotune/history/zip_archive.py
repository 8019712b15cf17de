"""Spotify's export as it was downloaded: the histories in a ZIP, read where they lie and never unpacked to disk."""

from __future__ import annotations

import errno
import re
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import PurePosixPath, PureWindowsPath
from typing import cast

from echotune.history.errors import HistoryError

ZIP_MAGIC = b"PK\x03\x04"
HISTORY_NAME = re.compile(r"(Streaming_?History|endsong).*\.json", re.IGNORECASE)
"""``Streaming_History_Audio_2019_6.json``, ``endsong_0.json``, and of account data ``StreamingHistory_music_0.json``"""
HIGHEST_RATIO = 200
"""Bytes for a byte of the archive. A history shrinks to a tenth, at best to a fortieth; a bomb to a thousandth."""
SMALLEST_BOMB = 64 * 2**20
"""Bytes: what is smaller does no harm, however well it was packed."""
ENCRYPTED = 0x1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def is_history_name(name: str) -> bool:
    """Whether a file's name is one that Spotify gives to a listening history."""
    return HISTORY_NAME.fullmatch(name) is not None


def history_members(archive: BufferedIOBase, *, file: str) -> list[str]:
    """Return the names of the histories in a ZIP, in their order.

    :raises HistoryError: it is damaged, holds no history, or looks made to do harm: a member that would leave the
        folder it is unpacked in, or that unpacks to far more than a history would
    """
    with _open(archive, file) as opened:
        members = [member for member in opened.infolist() if not member.is_dir()]
    for member in members:
        _check_path(member, file)
    # Some tools write backslashes; this knows both kinds.
    histories = [member for member in members if is_history_name(PureWindowsPath(member.filename).name)]
    if not histories:
        raise HistoryError(
            f"{file} holds no listening history: none of its {len(members)} files is named such as "
            "Streaming_History_Audio_2019_6.json, endsong_0.json or StreamingHistory_music_0.json"
        )
    _check_members(histories, file)
    _check_sizes(histories, file)
    return sorted(member.filename for member in histories)


@contextmanager
def open_member(archive: BufferedIOBase, member: str, *, file: str) -> Iterator[BufferedIOBase]:
    """Open a member for reading; more than the size it says it has is never read.

    :raises HistoryError: it is gone or damaged
    """
    with _open(archive, file) as opened:
        try:
            with _opening(file):
                content = opened.open(member)
        except KeyError:
            raise HistoryError(f"{file}: {member} is gone: it was there when the run began") from None
        with content, _reading(file):
            yield cast(BufferedIOBase, content)


def _open(archive: BufferedIOBase, file: str) -> zipfile.ZipFile:
    with _opening(file):
        return zipfile.ZipFile(archive)


@contextmanager
def _opening(file: str) -> Iterator[None]:
    """What zipfile raises for a damaged directory goes beyond what it says: wrong places, lengths and names."""
    with _reading(file):
        try:
            yield
        except (ValueError, EOFError, struct.error) as error:
            raise zipfile.BadZipFile(error) from None
        except OSError as error:
            # So a file answers to a place before its start.
            if error.errno != errno.EINVAL:
                raise
            raise zipfile.BadZipFile(error) from None


@contextmanager
def _reading(file: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise HistoryError(f"{file} is damaged inside its compression ({error}): download it again") from None


def _check_path(member: zipfile.ZipInfo, file: str) -> None:
    name = member.orig_filename
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    if ".." in windows.parts or windows.anchor or posix.is_absolute() or "\0" in name:
        raise HistoryError(f"{file} holds {name!r}, a path that leads out of its folder: it is not from Spotify")


def _check_members(members: Sequence[zipfile.ZipInfo], file: str) -> None:
    for name, count in Counter(member.filename for member in members).items():
        if count > 1:
            raise HistoryError(f"{file} holds {name} {count} times, and only one of them can be read: pack it again")
    for member in members:
        if member.flag_bits & ENCRYPTED:
            raise HistoryError(f"{file}: {member.filename} is encrypted: unpack it and load the folder")
        if member.compress_type not in METHODS:
            raise HistoryError(
                f"{file}: {member.filename} is not packed as Spotify does: unpack it and load the folder"
            )


def _check_sizes(members: Sequence[zipfile.ZipInfo], file: str) -> None:
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > SMALLEST_BOMB and unpacked > packed * HIGHEST_RATIO:
        raise HistoryError(
            f"{file} would unpack from {packed:,} to {unpacked:,} bytes: no listening history shrinks that much, "
            "so it is not read"
        )
