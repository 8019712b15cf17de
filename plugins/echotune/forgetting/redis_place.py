"""What Redis has of a user: nothing by design, and so everything of ours is searched for the name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from echotune.forgetting.person import Person
from echotune.forgetting.places import Counts

OURS = "echotune:*"
KEYS_A_STEP = 500

Found = tuple[bytes, bytes | None]
"""A key, and the member of it that names the user; None where key or value as a whole does."""


@dataclass(frozen=True, kw_only=True)
class RedisEntries:
    """Entries whose key or value names the user.

    Of a key that has many members only those go that name the user: the calls of a day are limited by one.

    :param client: answers in bytes; None where there is no Redis
    """

    client: redis.Redis | None
    person: Person

    def count(self) -> Counts:
        return {"Redis entries": sum(1 for _ in self._found())}

    def remove(self) -> None:
        if self.client is None:
            return
        for key, member in list(self._found()):
            if member is None:
                self.client.unlink(key)
            else:
                MEMBERS[self._type(key)].remove(self.client, key, member)

    def _found(self) -> Iterator[Found]:
        if self.client is None:
            return
        for key in self.client.scan_iter(match=OURS, count=KEYS_A_STEP):
            kind = self._type(key)
            if self._names(key) or (kind == "string" and self._names(self._text(key))):
                yield key, None
            elif kind in MEMBERS:
                found = MEMBERS[kind].scan(self.client, key)
                yield from ((key, member) for member, text in found if self._names(text))

    def _type(self, key: bytes) -> str:
        kind: Any = self.client.type(key) if self.client is not None else b"none"
        return str(kind.decode())

    def _text(self, key: bytes) -> bytes:
        value: Any = self.client.get(key) if self.client is not None else None
        return value or b""

    def _names(self, text: bytes) -> bool:
        return self.person.named.search(text) is not None


@dataclass(frozen=True, kw_only=True)
class Members:
    """How members of a type of key are read, each with the text to search, and removed."""

    scan: Callable[[Any, bytes], Iterator[tuple[bytes, bytes]]]
    remove: Callable[[Any, bytes, bytes], Any]


MEMBERS: Mapping[str, Members] = {
    "hash": Members(
        scan=lambda client, key: ((name, name + b" " + value) for name, value in client.hscan_iter(key)),
        remove=lambda client, key, member: client.hdel(key, member),
    ),
    "set": Members(
        scan=lambda client, key: ((member, member) for member in client.sscan_iter(key)),
        remove=lambda client, key, member: client.srem(key, member),
    ),
    "zset": Members(
        scan=lambda client, key: ((member, member) for member, _ in client.zscan_iter(key)),
        remove=lambda client, key, member: client.zrem(key, member),
    ),
    "list": Members(
        scan=lambda client, key: ((member, member) for member in client.lrange(key, 0, -1)),
        remove=lambda client, key, member: client.lrem(key, 0, member),
    ),
}
