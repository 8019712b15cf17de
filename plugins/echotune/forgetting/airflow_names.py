"""What Airflow keeps of a listener, by name."""

from __future__ import annotations

import json

LISTENERS_VARIABLE = "echotune_listeners"
"""A list of user ids in JSON: whose recently played tracks are fetched."""


def refresh_token_variables(username: str) -> tuple[str, ...]:
    """The variables that hold a user's rotated refresh token. The one place that knows their names."""
    return (f"echotune_refresh_token_{username}",)


def listener_connection(username: str) -> str:
    """The connection that holds a user's first refresh token; no task can delete it."""
    return f"echotune_listener_{username}"


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
