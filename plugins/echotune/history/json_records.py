"""Bytes of a JSON array to its records, one at a time, whatever the size of the file."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from typing import Any

from echotune.history.errors import HistoryError
from echotune.history.records import LONGEST_ROW, Record

BLOCK_BYTES = 512 * 1024
LONGEST_WORD = len("-Infinity") + 1
SEPARATORS = re.compile(r"[\s,]*")
UTF8_MARK = b"\xef\xbb\xbf"
MOST_LEVELS = 100
"""Of lists and objects in each other. A record of Spotify's has one."""
DEEPENS, RISES = frozenset("{["), frozenset("}]")
STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
TOO_DEEP = f"has more than {MOST_LEVELS} levels of lists and objects in each other"

_decode = json.JSONDecoder().raw_decode


def read_opening(stream: BufferedIOBase, *, file: str) -> int:
    """Read up to the bracket that opens the array; return the number of bytes read.

    :raises HistoryError: the file is no JSON array
    """
    read = stream.read(1)
    if read == UTF8_MARK[:1]:
        read += stream.read(2)
        if read != UTF8_MARK:
            raise HistoryError(f"{file} is not UTF-8: save it as UTF-8")
    last = read[-1:] if read != UTF8_MARK else stream.read(1)
    length = len(read) + (read == UTF8_MARK)
    while last.isspace():
        last = stream.read(1)
        length += 1
    if last == b"[":
        return length
    found = "nothing" if not last else "a single object" if last == b"{" else "something else"
    raise HistoryError(f"{file} should be a JSON list of records, and {found} is in it")


def split_json_records(blocks: Iterable[bytes]) -> Iterator[Record]:
    """Yield the records behind the opening bracket, each with the separators before it: together, all the bytes.

    What is no record costs the bytes up to the next brace only: reading goes on there, so that damage in one place
    loses no other record. The closing bracket comes as a blank record.
    """
    return _Splitter(blocks).records()


def read_blocks(stream: BufferedIOBase, length: int | None = None) -> Iterator[bytes]:
    """Yield the next bytes of a stream in blocks, at most so many in all."""
    left = length
    while left is None or left > 0:
        block = stream.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left))
        if not block:
            return
        yield block
        left = None if left is None else left - len(block)


def has_more_levels(value: Any, most: int) -> bool:
    """Whether lists and objects lie in each other more than so many levels deep."""
    level = [value]
    for _ in range(most):
        level = [inner for outer in level for inner in _inner(outer)]
    return any(isinstance(one, dict | list) for one in level)


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _problem(error: Exception) -> str:
    return f"is not JSON: {error.msg if isinstance(error, json.JSONDecodeError) else 'a number has too many digits'}"


class _Splitter:
    """The text that was read; what lies behind ``_place`` is not yet split."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        # Bytes that are not UTF-8 come as surrogates and become the same bytes again.
        self._text_of = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._text = ""
        self._place = 0
        self._ended = False

    def records(self) -> Iterator[Record]:
        while (width := self._separators()) is not None:
            if self._text[self._place + width] == "]":
                yield self._closing()
                return
            yield self._record(width)
        if self._place < len(self._text):
            yield Record(self._take(len(self._text)), cells=[])

    def _separators(self) -> int | None:
        """How many separators stand before the next value, None where there is no value."""
        while True:
            match = SEPARATORS.match(self._text, self._place)
            end = match.end() if match else self._place
            if end < len(self._text):
                return end - self._place
            if not self._read():
                return None

    def _record(self, width: int) -> Record:
        while True:
            try:
                value, end = _decode(self._text, self._place + width)
            except (ValueError, RecursionError) as error:
                if self._may_go_on(error) and self._read():
                    continue
                return self._too_deep(width) if self._is_nested_too_deep(error) else self._broken(width, error)
            # What ends where the text ends may go on: 12 with 34.
            if end < len(self._text) or not self._read():
                break
        opened = self._text.count("{", self._place, end) + self._text.count("[", self._place, end)
        if opened > MOST_LEVELS and has_more_levels(value, MOST_LEVELS):
            return self._too_deep(width)
        if isinstance(value, dict):
            return Record(self._take(end), fields=value)
        return Record(self._take(end), problem="is not a record of fields")

    def _may_go_on(self, error: Exception) -> bool:
        """Whether a value may only seem broken because the text ends in it."""
        if not isinstance(error, json.JSONDecodeError) or len(self._text) - self._place > LONGEST_ROW:
            return False
        return error.msg.startswith("Unterminated") or error.pos > len(self._text) - LONGEST_WORD

    def _is_nested_too_deep(self, error: Exception) -> bool:
        """Whether what could be read before the error has more levels than are read."""
        if not isinstance(error, json.JSONDecodeError):
            return isinstance(error, RecursionError)
        return any(depth > MOST_LEVELS for depth, _ in self._depths(self._place, error.pos))

    def _too_deep(self, width: int) -> Record:
        """Cut a value off where its brackets close, as far as a row may reach.

        Python reads some hundred levels, and how many depends on who calls: what it could read may not count here, or
        planning a file and loading it would cut it in other places.
        """
        while len(self._text) - self._place <= LONGEST_ROW and self._read():
            pass
        farthest = min(len(self._text), self._place + LONGEST_ROW)
        end = next((end for depth, end in self._depths(self._place + width, farthest) if depth == 0), None)
        if end is None:
            # Objects in objects would each be tried again.
            following = self._text.find("}", self._place + width + 1)
            end = following if following >= 0 else len(self._text)
        return Record(self._take(end), problem=TOO_DEEP)

    def _depths(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """How deep it is behind each bracket that is no text, and where that is."""
        depth = 0
        for match in STRING_OR_BRACKET.finditer(self._text, start, end):
            if match[0] in DEEPENS or match[0] in RISES:
                depth += 1 if match[0] in DEEPENS else -1
                yield depth, match.end()

    def _broken(self, width: int, error: Exception) -> Record:
        while (following := self._text.find("{", self._place + width + 1)) < 0 and self._read():
            pass
        end = following if following >= 0 else len(self._text)
        return Record(self._take(end), problem=_problem(error))

    def _closing(self) -> Record:
        while self._read():
            pass
        rest = self._take(len(self._text))
        if rest.strip(b" \t\r\n,") == b"]":
            return Record(rest, cells=[])
        return Record(rest, problem="stands behind the end of the list")

    def _take(self, end: int) -> bytes:
        taken = self._text[self._place : end]
        self._place = end
        return taken.encode("utf-8", "surrogateescape")

    def _read(self) -> bool:
        """Read on, and drop what is split; whether there was more."""
        while not self._ended:
            block = next(self._blocks, b"")
            self._ended = not block
            if text := self._text_of(block, self._ended):
                self._text = self._text[self._place :] + text
                self._place = 0
                return True
        return False
