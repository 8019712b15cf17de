"""What Airflow keeps of a listener, by name."""

from __future__ import annotations

import json

from echotune.names import LISTENERS_VARIABLE, rotated_token_variable


def refresh_token_variables(username: str) -> tuple[str, ...]:
    """The variables that hold a user's rotated refresh token."""
    return (rotated_token_variable(username),)


def without_listener(listeners: str, username: str) -> str | None:
    """The list without a user; None where nobody else is on it.

    :raises ValueError: it is no JSON list
    """
    names = json.loads(listeners)
    if not isinstance(names, list):
        raise ValueError(f"the variable {LISTENERS_VARIABLE} is no JSON list")
    others = [name for name in names if name != username]
    return json.dumps(others) if others else None


def names_listener(listeners: str | None, username: str) -> bool:
    """Whether a user is on the list."""
    try:
        return listeners is not None and username in json.loads(listeners)
    except (ValueError, TypeError):
        return False
