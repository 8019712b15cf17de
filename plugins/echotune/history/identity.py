"""The identity of a play: the same play has the same id on every run and every machine."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from uuid import UUID

from bson.binary import UUID_SUBTYPE, Binary

PLAY_NAMESPACE = UUID("6a0ddc3f-5d1c-5a0e-9d1c-0f6f3f1c7e52")
"""Never changes: every stored ``_id`` rests on it."""


def play_id(cells: Sequence[str]) -> Binary:
    """Return the id of a play, a UUID of version 5, from the canonical text of its identifying cells in their order.

    Every column of the play itself takes part (``Column.identifies_play``): track, time, user and duration alone
    repeat in real histories, and an id made of them loses plays. Personal data takes no part, so that the id does
    not depend on the policy for it. Cells hold no NUL character, which makes the joined text unambiguous.

    The bytes are those of ``uuid.uuid5``, in the form the driver encodes in half the time.
    """
    name = "\0".join(cells).encode()
    digest = bytearray(sha1(PLAY_NAMESPACE.bytes + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return Binary(bytes(digest), UUID_SUBTYPE)
