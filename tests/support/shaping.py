"""Plays as MongoDB gives them back, straight from their cells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import bson

from echotune.history.document import PlayShaper
from echotune.history.privacy import PersonalData, PersonalDataPolicy
from tests.support.databases import OPTIONS
from tests.support.loading import KEY

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def encoded_play(cells: Sequence[str], policy: str, file: str, number: int) -> bytes:
    """The bytes that are sent for a play."""
    data = PersonalData(policy=PersonalDataPolicy(policy), key=KEY)
    shaper = PlayShaper(file=file, sha256="0" * 64, personal_data=data, now=NOW)
    return bson.encode(shaper.shape(number, cells), codec_options=OPTIONS)


def shape(cells: Sequence[str], policy: str = "keep", *, file: str = "history.csv", number: int = 7) -> dict[str, Any]:
    return bson.decode(encoded_play(cells, policy, file, number), codec_options=OPTIONS)
