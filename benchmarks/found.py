"""What was found: measurements, and numbers beside what is asked of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.measure import Measurement

Ratio = tuple[str, float, str, Callable[[float], bool]]
"""What is measured, the number, what was asked, and whether that was reached."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one part of the benchmarks found."""

    measurements: Sequence[Measurement] = field(default_factory=list)
    ratios: Sequence[Ratio] = field(default_factory=list)


def say(text: str) -> None:
    """Tell a person who waits what is measured now."""
    print(f"measuring: {text}", file=sys.stderr, flush=True)


def show(measurements: Sequence[Measurement]) -> None:
    """Print the time and the memory of each way of doing a thing."""
    print(f"\n{'':38}{'rows':>12}{'seconds':>10}{'rows/s':>10}{'peak MiB':>10}")
    for one in measurements:
        memory = f"{one.peak_mebibytes:,.0f}" if one.peak_mebibytes else ""
        print(f"{one.name:38}{one.rows:12,}{one.seconds:10.2f}{one.rows / one.seconds:10,.0f}{memory:>10}")


def show_ratios(rows: Sequence[Ratio]) -> None:
    """Print numbers beside what was asked, and which do not reach it."""
    print(f"\n{'':50}{'measured':>10}  {'asked':14}")
    for name, value, asked, reached in rows:
        print(f"{name:50}{value:10.2f}  {asked:14}{'' if reached(value) else 'NOT REACHED'}")
