"""What a look-up has found so far, and how the answer to a batch is joined to the ids that were asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.catalog_entries import answers_for
from echotune.enrichment.errors import EntryError, FeatureError
from echotune.enrichment.providers.base import Lookup, Values

SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
MOST_HALVINGS = 20
"""Enough to find three bad ids among a hundred. Where there are more, it is not the ids that are bad."""

Read = Callable[[Mapping[str, Any]], Values]


@dataclass(kw_only=True)
class Findings:
    """Collects what becomes a ``Lookup``."""

    found: dict[str, Values] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)

    def as_lookup(self, refusal: Answer | None = None) -> Lookup:
        """Return what was found, ended early by an answer where one is given."""
        return Lookup(found=self.found, absent=frozenset(self.absent), broken=self.broken, refusal=refusal)

    def has(self, id_: str) -> bool:
        """Whether an id was answered, in whatever way."""
        return id_ in self.found or id_ in self.absent or id_ in self.broken

    def sort_out(self, ids: Sequence[str]) -> list[str]:
        """Return the ids that can be asked for, each once; what is no Spotify id is broken without a call."""
        good = [id_ for id_ in dict.fromkeys(ids) if SPOTIFY_ID.fullmatch(id_)]
        self.broken |= dict.fromkeys(set(ids).difference(good), "is no Spotify id, so it was not asked for")
        return good

    def read(self, id_: str, item: Mapping[str, Any], read: Read) -> None:
        """Add the values of one item, or why there are none."""
        try:
            self.found[id_] = read(item)
        except (FeatureError, EntryError) as error:
            self.broken[id_] = str(error)

    def join(self, ids: Sequence[str], items: Sequence[Any], read: Read) -> None:
        """Add a list in which each place is for the id at that place, null for an unknown one.

        Values are joined by the id they carry. A null is believed only in a list whose other items are in their places.
        """
        fits = [isinstance(item, dict) and answers_for(item, id_) for id_, item in zip(ids, items, strict=True)]
        strays = [item for item, fit in zip(items, fits, strict=True) if item is not None and not fit]
        misplaced = {str(item.get("id")): item for item in strays if isinstance(item, dict)}
        for id_, item, fit in zip(ids, items, fits, strict=True):
            if fit:
                self.read(id_, item, read)
            elif id_ in misplaced:
                self.read(id_, misplaced[id_], read)
            elif item is None and not strays:
                self.absent.add(id_)
            elif item is None:
                self.broken[id_] = "was null in an answer that was out of order"
            else:
                self.broken[id_] = "was answered with something that was not asked for"


def ask_in_halves(ids: Sequence[str], ask: Callable[[Sequence[str]], Answer]) -> Iterator[tuple[Sequence[str], Answer]]:
    """Ask for a batch. One that is no good request (400) is halved, until the id that spoils it is alone.

    Yields the ids and the answer of each call that is not halved further.
    """
    waiting = [ids] if ids else []
    halvings = 0
    while waiting:
        asked = waiting.pop()
        answer = ask(asked)
        if is_bad_request(answer) and len(asked) > 1:
            halvings += 1
            if halvings <= MOST_HALVINGS:
                middle = len(asked) // 2
                waiting += [asked[middle:], asked[:middle]]
                continue
            answer = replace(answer, reason=f"{answer.reason}; also in parts, so it is not an id that is bad")
        yield asked, answer


def is_bad_request(answer: Answer) -> bool:
    """Whether the service did not understand what was asked."""
    return answer.outcome is Outcome.BROKEN and answer.status == HTTPStatus.BAD_REQUEST
