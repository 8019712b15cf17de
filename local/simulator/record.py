"""What the simulator counted, and how it tells it.

The report: ``seconds`` since the start or the last reset, ``tokens_issued``, ``rules_followed`` (how often each, in
their order) and ``services``, by name (spotify, reccobeats, accounts), each with

``calls``
    all that arrived, whatever they were answered.
``endpoints``
    by name: ``calls``, of them ``batches`` and ``singles``; ``ids`` asked for, ``distinct_ids``; ``answers`` by status,
    with ``reset`` and ``cut_off`` for answers that were none; ``asked_most`` and ``asked_again``, the ids asked for
    more than once with how often; ``answered_most`` and ``answered_again``, likewise for true answers: status 200 and
    not spoiled by a rule.
    The full report has ``asked``, all ids.
``window``, ``quota``
    ``seconds``, ``limit``; ``largest``, the most calls that arrived in any window, counted from all arrival times;
    ``exceeded``, whether that is over the limit; ``utilisation``, the mean filling of all the full windows between
    the first and the last call, as a share of the limit (of calls over ``span_seconds`` no longer than one window:
    their number as a share of the limit), null without a limit.
``stops``
    each 429 that began a stop: ``at`` (seconds since the reset), ``seconds``, ``reason`` (window, quota or rule) and
    ``early_calls``, the seconds after its answer at which calls arrived before its time was over.
``arrivals``
    in the full report: the seconds since the reset at which calls arrived.

All times are of the monotonic clock. A limit is the one of the settings in force when the report is made.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from local.simulator.window import Gate, Span

Report = dict[str, Any]


@dataclass
class EndpointRecord:
    """The calls of one endpoint."""

    batches: int = 0
    singles: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)

    def report(self, full: bool) -> Report:
        """The part of the report about this endpoint."""
        everything: Report = {"asked": dict(self.asked)} if full else {}
        return {
            "calls": self.batches + self.singles,
            "batches": self.batches,
            "singles": self.singles,
            "ids": self.asked.total(),
            "distinct_ids": len(self.asked),
            "answers": dict(self.answers),
            "asked_most": max(self.asked.values(), default=0),
            "asked_again": _repeated(self.asked),
            "answered_most": max(self.answered.values(), default=0),
            "answered_again": _repeated(self.answered),
            **everything,
        }


@dataclass
class ServiceRecord:
    """The calls of one service, and its gate."""

    gate: Gate = field(default_factory=Gate)
    arrivals: list[float] = field(default_factory=list)
    endpoints: dict[str, EndpointRecord] = field(default_factory=dict)

    def endpoint(self, name: str) -> EndpointRecord:
        """The record of an endpoint, made at its first call."""
        return self.endpoints.setdefault(name, EndpointRecord())

    def report(self, since: float, spans: tuple[Span, ...], full: bool) -> Report:
        """The part of the report about this service."""
        everything: Report = {"arrivals": [arrival - since for arrival in self.arrivals]} if full else {}
        return {
            "calls": len(self.arrivals),
            "endpoints": {name: endpoint.report(full) for name, endpoint in self.endpoints.items()},
            **{span.reason: _filling(self.arrivals, span) for span in spans},
            "stops": [
                {
                    "at": stop.begun - since,
                    "seconds": stop.seconds,
                    "reason": stop.reason,
                    "early_calls": stop.offsets,
                }
                for stop in self.gate.stops
            ],
            **everything,
        }


@dataclass
class Record:
    """Everything counted since a moment."""

    since: float = field(default_factory=time.monotonic)
    tokens_issued: int = 0
    services: dict[str, ServiceRecord] = field(default_factory=dict)

    def service(self, name: str) -> ServiceRecord:
        """The record of a service, made at its first call."""
        return self.services.setdefault(name, ServiceRecord())


def largest_window(arrivals: list[float], seconds: float) -> int:
    """The most arrivals in any half-open window of so many seconds; arrivals in order."""
    largest = oldest = 0
    for newest, arrival in enumerate(arrivals):
        while arrival - arrivals[oldest] >= seconds:
            oldest += 1
        largest = max(largest, newest - oldest + 1)
    return largest


def utilisation(arrivals: list[float], limit: int, seconds: float) -> float:
    """The mean filling of the windows that lie between the first and the last arrival, as a share of the limit."""
    if not arrivals:
        return 0.0
    first_end, last_end = arrivals[0] + seconds, arrivals[-1]
    if last_end <= first_end:
        return len(arrivals) / limit
    # An arrival is in the windows that end within the given seconds after it.
    held = sum(max(0.0, min(arrival + seconds, last_end) - max(arrival, first_end)) for arrival in arrivals)
    return held / (limit * (last_end - first_end))


def _filling(arrivals: list[float], span: Span) -> Report:
    largest = largest_window(arrivals, span.seconds)
    return {
        "seconds": span.seconds,
        "limit": span.limit,
        "largest": largest,
        "exceeded": span.limit is not None and largest > span.limit,
        "utilisation": utilisation(arrivals, span.limit, span.seconds) if span.limit else None,
        "span_seconds": arrivals[-1] - arrivals[0] if arrivals else 0.0,
    }


def _repeated(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count > 1}
