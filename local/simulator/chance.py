"""Numbers and ids that follow from a name alone, the same on every machine."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar

BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
ID_LENGTH = 22
ID_PATTERN = rf"[0-9A-Za-z]{{{ID_LENGTH}}}"
_PAIRS = tuple(first + second for first in BASE62 for second in BASE62)
_NUMBERS = struct.Struct("<16I")
_UNIT = 2.0**-32

Item = TypeVar("Item")


def numbers(kind: str, name: str) -> tuple[float, ...]:
    """Sixteen numbers from 0 to below 1 for one purpose (at most 16 letters) and one name."""
    digest = blake2b(name.encode(), digest_size=64, person=kind.encode()).digest()
    return tuple([number * _UNIT for number in _NUMBERS.unpack(digest)])


def pick(number: float, items: Sequence[Item]) -> Item:
    """The item a number points at, each as likely."""
    return items[int(number * len(items))]


def between(number: float, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return low + int(number * (high - low + 1))


@lru_cache(maxsize=65_536)
def identifier(kind: str, number: int) -> str:
    """The Spotify id of a numbered thing: 128 bits as 22 base62 characters, as real ones are."""
    value = int.from_bytes(blake2b(str(number).encode(), digest_size=16, person=kind.encode()).digest())
    pairs = []
    for _ in range(ID_LENGTH // 2):
        value, pair = divmod(value, len(_PAIRS))
        pairs.append(_PAIRS[pair])
    return "".join(reversed(pairs))
