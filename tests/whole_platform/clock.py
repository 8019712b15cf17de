"""A clock of the workers' own, which can jump while they work; everything else keeps the machine's.

libfaketime stands before the system's clock in each process of a worker. Waiting and timeouts, which use the monotonic
clock, are as they are: so it is on a machine whose time is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

LIBRARY = Path("vendor", "libfaketime", "src", "libfaketime.so.1")


@dataclass(frozen=True)
class Clock:
    """The clock that a file sets."""

    file: Path

    @property
    def variables(self) -> dict[str, str]:
        """What a process needs in its environment to have this clock."""
        found = find_spec("libfaketime")
        assert found is not None
        assert found.origin is not None
        return {
            "LD_PRELOAD": str(Path(found.origin).parent / LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """Let it be so far ahead of the machine's, or behind; within a second it is."""
        self.file.write_text(f"{seconds:+d}\n", encoding="ascii")
