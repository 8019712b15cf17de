"""Errors in one line that may leave the house: no pages of it, and nobody's data."""

from __future__ import annotations

import re

LONGEST_LINE = 300

_PAGES = (", full error:", " dup key:", ", Timeout:", " (configured timeouts:")
"""What drivers put before whole documents and lists of servers."""
_HIDDEN = (
    # A folder of archived plays is named after their user.
    (re.compile(r"\buser=[^/\s]+"), "user=…"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "…"),
    # What an error quotes is a value, and that may be of a play.
    (re.compile(r"(?<!\w)'[^']*'(?!\w)"), "'…'"),
    (re.compile(r'"[^"]*"'), '"…"'),
)


def error_line(error: BaseException | str) -> str:
    """The first line of an error, without the documents and lists that drivers append."""
    text = str(error).strip()
    line = text.splitlines()[0] if text else ""
    for page in _PAGES:
        line = line.partition(page)[0]
    if not isinstance(error, BaseException):
        return _cut(line)
    return _cut(line) or type(error).__name__


def without_personal_data(line: str) -> str:
    """A line of a log or a summary without quoted values, mail addresses and the names of users in paths."""
    for pattern, shown in _HIDDEN:
        line = pattern.sub(shown, line)
    return _cut(line)


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
