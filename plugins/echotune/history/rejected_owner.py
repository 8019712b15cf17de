"""Whose a rejected row is, as far as its text tells."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from typing import Any

from echotune.history.columns import HEADER

USERNAME = HEADER.index("username")
NAMED = re.compile(r'"username"\s*:\s*("(?:[^"\\]|\\.)*")')
"""The name in an object that was cut off, and so is no JSON."""


def names_in(raw: str) -> frozenset[str]:
    """The usernames of which one may be the row's: its own where the text can be read, else each whole cell of it."""
    cells = _cells(raw)
    if len(cells) == len(HEADER):
        return frozenset([cells[USERNAME]])
    if raw.lstrip().startswith("{"):
        return frozenset(_names_in_object(raw))
    return frozenset(cells)


def is_of(username: str, rejected: Mapping[str, Any]) -> bool:
    """Whether a document of ``rejected_rows`` is of a user."""
    return rejected.get("username") == username or username in names_in(str(rejected.get("raw", "")))


def may_be_of(username: str) -> dict[str, Any]:
    """A filter for documents of ``rejected_rows`` that :func:`is_of` can hold of."""
    quoted = username.replace('"', '""')
    forms = {username, quoted, json.dumps(username)[1:-1], json.dumps(username, ensure_ascii=False)[1:-1]}
    spelled = "|".join(re.escape(form) for form in sorted(forms))
    return {"$or": [{"username": username}, {"raw": {"$regex": spelled}}]}


def _cells(raw: str) -> list[str]:
    try:
        rows = list(csv.reader([raw.replace("\0", "")]))
    except csv.Error:
        rows = [raw.split(",")]
    return rows[0] if rows else []


def _names_in_object(raw: str) -> list[str]:
    try:
        read = json.loads(raw)
    except (ValueError, RecursionError):
        return [_text_of(name) for name in NAMED.findall(raw)]
    name = read.get("username") if isinstance(read, dict) else None
    return [name] if isinstance(name, str) else []


def _text_of(quoted: str) -> str:
    """What a JSON text says; what stands in it where it is none."""
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return quoted[1:-1]
