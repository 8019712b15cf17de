"""True answers of services, kept in Redis for a time."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from echotune.enrichment.limits import DAY_SECONDS
from echotune.enrichment.providers.base import Lookup, Provider, Values
from echotune.enrichment.shared_state import SharedState
from echotune.resources import read_lua

log = logging.getLogger(__name__)

FOUND_SECONDS = 7 * DAY_SECONDS
ABSENT_SECONDS = DAY_SECONDS
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

# ASCII, because half a character, which JSON can say, is in no UTF-8.
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False).encode


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode


class AnswerCache:
    """Answers of one kind by id: values, or that the service truly has nothing.

    Where Redis is away nothing is known and nothing is kept. An entry that makes no sense is no answer either.

    :param namespace: provider and kind, such as ``spotify:audio-features``
    :param ttl_seconds: how long values are kept
    :param absent_ttl_seconds: how long it is kept that there are none
    """

    def __init__(
        self,
        state: SharedState,
        namespace: str,
        *,
        ttl_seconds: float = FOUND_SECONDS,
        absent_ttl_seconds: float = ABSENT_SECONDS,
    ) -> None:
        self._state = state
        # One hash tag, so that a batch is one command also in a cluster.
        self._prefix = f"echotune:answer:{{{namespace}}}:"
        self._found_milliseconds = math.ceil(ttl_seconds * 1000)
        self._absent_milliseconds = math.ceil(absent_ttl_seconds * 1000)
        self._store = None if state.client is None else state.client.register_script(read_lua("store_answers.lua"))

    def get_many(self, ids: Sequence[str], *, not_before: datetime | None = None) -> Lookup:
        """What is known of some ids, and for each of these when it was fetched (in milliseconds).

        :param not_before: answers that were fetched earlier (aware) do not count
        """
        if not ids:
            return Lookup()
        keys = [self._prefix + identity for identity in ids]
        texts = self._state.run(lambda client: _texts(client, keys), list)
        oldest = EPOCH if not_before is None else not_before
        found: dict[str, Values] = {}
        fetched_at: dict[str, datetime] = {}
        for identity, text in zip(ids, texts, strict=False):
            answer = None if text is None else self._parse(identity, text)
            if answer is None or answer[0] < oldest:
                continue
            fetched_at[identity], values = answer
            if values is not None:
                found[identity] = values
        return Lookup(found=found, absent=frozenset(fetched_at.keys() - found.keys()), fetched_at=fetched_at)

    def put(self, found: Mapping[str, Values], absent: Iterable[str], fetched_at: datetime) -> None:
        """Keep true answers: values by id, and the ids of which the service said that it has nothing."""
        store = self._store
        if store is None or self._state.client is None:
            return
        at = (fetched_at - EPOCH) // MILLISECOND
        keys: list[str] = []
        arguments: list[str | int] = []
        for identity, values in found.items():
            text = self._text(identity, at, values)
            if text is not None:
                keys.append(self._prefix + identity)
                arguments += (text, self._found_milliseconds)
        for identity in absent:
            keys.append(self._prefix + identity)
            arguments += (_encode([at, None]), self._absent_milliseconds)
        if keys:
            self._state.run(lambda _: store(keys, arguments), lambda: None)

    def _text(self, identity: str, at: int, values: Values) -> str | None:
        try:
            return _encode([at, values])
        except ValueError:
            log.warning("%s%s is not cached: one of its values is no finite number", self._prefix, identity)
            return None

    def _parse(self, identity: str, text: bytes | str) -> tuple[datetime, Values | None] | None:
        """Time and values of an entry; None where it is none of ours."""
        try:
            at, values = _decode(text if isinstance(text, str) else text.decode())
            if type(at) is int and isinstance(values, dict | None):
                return EPOCH + at * MILLISECOND, values
        except (ValueError, TypeError, OverflowError, RecursionError):
            pass
        log.debug("%s%s holds something else: it is asked for anew", self._prefix, identity)
        return None


def _texts(client: redis.Redis, keys: list[str]) -> list[Any]:
    return list(client.mget(keys))


class CachedProvider:
    """A provider that asks another one only for what is not cached, and keeps its true answers.

    Refusals, broken answers and silence are never kept. Not for providers whose answers cost no call.

    :param not_before: answers fetched earlier are asked for anew
    :param name: what is written as ``provider``, where that is not the provider's own name
    """

    def __init__(
        self, provider: Provider, cache: AnswerCache, *, not_before: datetime | None = None, name: str | None = None
    ) -> None:
        self._provider, self._cache = provider, cache
        self.not_before = not_before
        self._name = name or provider.name

    @property
    def name(self) -> str:
        """What is written as ``provider`` beside the values."""
        return self._name

    @property
    def batch_size(self) -> int:
        """The most ids one look-up takes."""
        return self._provider.batch_size

    def look_up(self, ids: Sequence[str]) -> Lookup:
        """Answer from the cache what is there, ask for the rest."""
        known = self._cache.get_many(ids, not_before=self.not_before)
        found, absent, broken, refusal = dict(known.found), known.absent, dict[str, str](), known.refusal
        unknown = [identity for identity in dict.fromkeys(ids) if identity not in known.fetched_at]
        while unknown and refusal is None:
            # The batch may have shrunk since the ids were chosen.
            batch, unknown = unknown[: self.batch_size], unknown[self.batch_size :]
            answer = self._provider.look_up(batch)
            self._cache.put(answer.found, answer.absent, _now())
            found |= answer.found
            broken |= answer.broken
            absent |= answer.absent
            refusal = answer.refusal
        return Lookup(found=found, absent=absent, broken=broken, fetched_at=known.fetched_at, refusal=refusal)


def _now() -> datetime:
    return EPOCH + (datetime.now(UTC) - EPOCH) // MILLISECOND * MILLISECOND
