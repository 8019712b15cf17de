"""Numbers from what a user typed."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[0-9]{1,9}")


def read_number(text: str) -> int | None:
    """A whole number from 0 to 999,999,999 in plain digits, None where the text is anything else."""
    return int(text) if NUMBER.fullmatch(text) else None
