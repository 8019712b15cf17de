"""Numbers of bytes, as people write and read them. A MB is a million bytes, a MiB 1,048,576."""

from __future__ import annotations

import re

from echotune.storage.errors import StorageError

UNITS: dict[str, int] = {"B": 1} | {
    f"{letter}{infix}B": base**power
    for power, letter in enumerate("KMGT", start=1)
    for infix, base in (("", 1000), ("i", 1024))
}
QUANTITY = re.compile(r"(?P<number>[0-9]{1,18}(?:\.[0-9]{1,18})?)\s*(?P<unit>[a-z]+)", re.IGNORECASE)
BY_LOWER_CASE = {unit.lower(): size for unit, size in UNITS.items()}
STEP = 1000


def parse_bytes(text: str) -> int:
    """Read ``512 MB`` or ``20 GiB``.

    :raises StorageError: where it is no number of bytes above 0
    """
    match = QUANTITY.fullmatch(text.strip())
    size = BY_LOWER_CASE.get(match["unit"].lower(), 0) if match else 0
    found = round(float(match["number"]) * size) if match else 0
    if not found:
        raise StorageError(f"{text!r} is no number of bytes: write one such as 512 MB or 20 GiB")
    return found


def bytes_text(number: float) -> str:
    """Three digits and a unit: ``310 MB``, ``4.61 GB``."""
    size, unit = float(number), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if abs(size) < STEP or unit == "TB":
            break
        size /= STEP
    return f"{size:,.0f} {unit}" if unit == "B" or abs(size) >= 100 else f"{size:,.3g} {unit}"  # noqa: PLR2004
