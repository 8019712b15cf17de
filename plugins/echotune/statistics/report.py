"""What a person reads at the end of a refresh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from echotune.run_summary import left_in_summary


def summarise(refreshed: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The summary of a refresh: sentences for a person, counts for a program.

    :param refreshed: the fields of a Refreshed
    :param files: the fields of each WrittenFeatures
    """
    lines = [
        f"Statistics of {refreshed['users']:,} users counted from {refreshed['plays']:,} plays in "
        f"{refreshed['seconds']:.1f} s; {refreshed['unchanged']:,} users have nothing new."
    ]
    if refreshed["removed"]:
        lines.append(f"{refreshed['removed']:,} users have no plays any more: their statistics are gone.")
    lines += [f"{file['address']}: {file['rows']:,} rows." for file in files]
    return {"text": lines, **left_in_summary([]), "counts": dict(refreshed), "files": list(files), "problems": []}
