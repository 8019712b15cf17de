"""The seven things an outside service can be understood to say. There are never more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What one call came to.

    DATA: an answer of the expected shape. NOT_FOUND: the service says that the one thing asked for does not exist.
    RATE_LIMITED: no call before a time. FORBIDDEN_ENDPOINT: this application may not call this endpoint, while others
    work. ACCOUNT_PROBLEM: nothing works until a person mends the account. TRANSIENT: worth another try soon.
    BROKEN: an answer that makes no sense, and would not after a second try.
    """

    DATA = "data"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    FORBIDDEN_ENDPOINT = "forbidden_endpoint"
    ACCOUNT_PROBLEM = "account_problem"
    TRANSIENT = "transient"
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One classified answer.

    :param body: the parsed JSON where the outcome is DATA
    :param seconds: where RATE_LIMITED, how long nobody may call
    :param reason: what happened, for a person; holds no token and no secret
    :param status: the HTTP status, where there was one
    """

    outcome: Outcome
    body: Any = None
    seconds: float = 0
    reason: str = ""
    status: int | None = None
