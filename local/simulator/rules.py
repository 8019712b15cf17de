"""Faults on demand: which call is answered otherwise than it should be, and how."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Endpoint = Literal[
    "audio-features", "tracks", "artists", "albums", "token", "reccobeats", "me", "recently-played", "playlists", "any"
]
# Answers in place of the true one.
Instead = Literal[
    "status",
    "closed_endpoint",
    "removed_batch",
    "premium",
    "rate_limit",
    "quota",
    "cut_off",
    "reset",
    "empty",
    "html",
    "shape",
    "gzip_bomb",
    "redirect",
]
# The true answer, late or with one of its items changed.
Changed = Literal[
    "slow", "strange_id", "out_of_range", "not_a_number", "text_value", "missing_field", "duplicate", "null_item"
]
Shape = Literal["list", "string", "number", "null", "missing_key", "short", "long", "error_string"]


class Rule(BaseModel):
    """One rule. `what` says what happens, the fields before it when, the fields after it are its details.

    Which calls are looked at: those of an `endpoint` (``any`` is every one, the token's too) whose ids contain
    `ids`. Of these, counted from the setting of the rule: the `nth` (1 is the next one) and those after it, or
    `every` nth, and of these a share of `probability`, drawn with `seed`. At most `times`: 1 where `nth` alone is
    given, else without end.

    status: `status` (any) with a JSON body and `message`. closed_endpoint, removed_batch, premium: the three 403s.
    rate_limit: 429 with the header `retry_after`: a number, also 0 or negative, any text, ``"http-date"``, or null
    for none. The 429 is in force for `seconds`; without them, as long as a `retry_after` that is a number says.
    quota: 429 QUOTA_EXCEEDED, `retry_after` 86,400 unless given.
    cut_off: half of the body, then the end of the connection. reset: no answer, connection reset.
    empty: 200 without a body. html: 200 with an HTML page.
    shape: 200 with JSON of another `shape`; ``error_string`` has `status`, 400 unless given.
    gzip_bomb: a small body that unpacks to so many `megabytes`. redirect: `status` (302) to `location`.
    slow: the true answer after `seconds`.
    strange_id: the first item has an id nobody asked for. out_of_range, not_a_number, text_value, missing_field: its
    `field` (one fits each endpoint) is `value` (one is chosen), NaN, text, or left out. duplicate: the first item
    comes twice. null_item: it is null.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: Endpoint = "any"
    ids: str = ""
    nth: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1, ge=0, le=1)
    seed: int = 0
    times: int | None = Field(default=None, ge=1)
    what: Instead | Changed
    status: int | None = Field(default=None, ge=200, le=599)
    message: str = "Simulated"
    retry_after: float | int | str | None = 1
    seconds: float | None = Field(default=None, ge=0)
    shape: Shape = "list"
    megabytes: int = Field(default=300, ge=1, le=4096)
    location: str = "http://elsewhere.invalid/v1/"
    field: str | None = None
    value: Any = None

    @model_validator(mode="after")
    def _has_its_details(self) -> Self:
        if self.what == "status" and self.status is None:
            raise ValueError("what=status needs a status, such as 503")
        if self.what == "slow" and self.seconds is None:
            raise ValueError("what=slow needs seconds")
        return self


@dataclass
class ActiveRule:
    """A rule and how often it was looked at and followed."""

    rule: Rule
    seen: int = 0
    followed: int = 0
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Draw from the rule's seed."""
        self.chance = random.Random(self.rule.seed)

    def applies(self, endpoint: str, ids: str) -> bool:
        """Count a call the rule looks at; whether it is one that the rule changes."""
        rule = self.rule
        if rule.endpoint not in ("any", endpoint) or rule.ids not in ids:
            return False
        self.seen += 1
        first = rule.nth or rule.every or 1
        is_turn = self.seen >= first and (self.seen - first) % (rule.every or 1) == 0
        is_drawn = rule.probability == 1 or self.chance.random() < rule.probability
        return is_turn and is_drawn and not self._is_spent

    @property
    def _is_spent(self) -> bool:
        times = self.rule.times
        if times is None and self.rule.nth is not None and self.rule.every is None:
            times = 1
        return times is not None and self.followed >= times


class Rules:
    """The rules that are set."""

    def __init__(self, rules: list[Rule] | None = None) -> None:
        """Rules whose counting starts now."""
        self._active = [ActiveRule(rule) for rule in rules or []]

    def follow(self, endpoint: str, ids: str) -> Rule | None:
        """Count a call for every rule; the first rule that changes it."""
        applying = [active for active in self._active if active.applies(endpoint, ids)]
        if not applying:
            return None
        applying[0].followed += 1
        return applying[0].rule

    def followed(self) -> list[int]:
        """How often each rule was followed, in their order."""
        return [active.followed for active in self._active]
