"""Names that the deployment and the code share: Airflow connections, and MongoDB's defaults."""

from __future__ import annotations

import re

MONGO_CONNECTION = "echotune_mongo"
SUPABASE_CONNECTION = "echotune_supabase"
REDIS_CONNECTION = "echotune_redis"
SPOTIFY_CONNECTION = "echotune_spotify"
PERSONAL_DATA_CONNECTION = "echotune_pii"
NOTIFICATIONS_CONNECTION = "echotune_notifications"
DEFAULT_DATABASE = "spotify_analytics"
DEFAULT_COLLECTION = "listening_history"

LISTENERS_VARIABLE = "echotune_listeners"
"""The Airflow variable with the user ids of all who gave their authorization, as a JSON list."""

NOT_IN_AN_ID = re.compile(rb"[^A-Za-z0-9.-]")


def listener_connection(username: str) -> str:
    """The Airflow connection with a listener's authorization.

    Bytes that an id may not have, and the escape itself, are written ``_5f``: two names never have the same id.
    """
    escaped = NOT_IN_AN_ID.sub(lambda found: b"_" + found[0].hex().encode(), username.encode())
    return f"echotune_listener_{escaped.decode()}"


def rotated_token_variable(username: str) -> str:
    """The Airflow variable with the refresh token that took the place of the connection's.

    Airflow hides the value of a variable whose name has ``token`` in it.
    """
    return f"{listener_connection(username)}_refresh_token"
