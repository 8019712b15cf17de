"""Seeded chance that gives the same answer on every machine and Python version.

Only `Random.random()` is promised to keep its sequence between Python versions, so everything here is
made of it with plain arithmetic: no `choice`, no `gauss`, no power or logarithm of a C library.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")

CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BASE62 = "0123456789abcdefghijklmnopqrstuvwxyz" + CAPITALS
HEXADECIMAL = "0123456789abcdef"
_KINDS = (
    "parts",
    "listener",
    "plays",
    "artist",
    "album",
    "track",
    "catalog",
    "release",
    "genres",
    "damage",
)


def stream(seed: int, kind: str, number: int = 0) -> Random:
    """The chance of one thing (a track, an album, the plays of a part), whatever else was drawn before."""
    return Random((seed * len(_KINDS) + _KINDS.index(kind)) * 2**64 + number)


def below(chance: Random, limit: int) -> int:
    """A whole number from 0 to `limit` - 1, each as likely."""
    return int(chance.random() * limit)


def skewed_below(chance: Random, limit: int) -> int:
    """A whole number from 0 to `limit` - 1, the small ones far likelier: the heavy tail of favourites."""
    root = chance.random()
    return int(root * root * limit)


def between(chance: Random, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + below(chance, high - low + 1)


def pick(chance: Random, items: Sequence[Item]) -> Item:
    """One of `items`, each as likely; repeat an item to weigh it."""
    return items[int(chance.random() * len(items))]


def happens(chance: Random, share: float) -> bool:
    """True in `share` of all calls."""
    return chance.random() < share


def shuffled(chance: Random, items: Sequence[Item]) -> list[Item]:
    """The items in a random order."""
    result = list(items)
    for last in range(len(result) - 1, 0, -1):
        other = below(chance, last + 1)
        result[last], result[other] = result[other], result[last]
    return result


def letters(chance: Random, alphabet: str, length: int) -> str:
    """A word of `length` letters of the alphabet."""
    return "".join([alphabet[int(chance.random() * len(alphabet))] for _ in range(length)])


def spotify_id(chance: Random) -> str:
    """22 base62 letters; the first is small because a real id is a 128-bit number."""
    return letters(chance, "01234567", 1) + letters(chance, BASE62, 21)
