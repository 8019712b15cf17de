"""The assets that tie the DAGs together: a DAG that changes one starts those that read it."""

from __future__ import annotations

from airflow.sdk import Asset

LISTENING_HISTORY = Asset(name="listening_history", uri="x-echotune://mongodb/listening_history", group="echotune")
"""The plays in MongoDB, and the tracks, artists and albums counted from them."""

MUSIC_CATALOG = Asset(name="music_catalog", uri="x-echotune://mongodb/tracks", group="echotune")
"""What is known of tracks, artists and albums, and with it the values embedded in plays."""
