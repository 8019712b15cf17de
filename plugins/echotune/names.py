"""Names that the deployment and the code share: Airflow connections, and MongoDB's defaults."""

from __future__ import annotations

MONGO_CONNECTION = "echotune_mongo"
SUPABASE_CONNECTION = "echotune_supabase"
REDIS_CONNECTION = "echotune_redis"
SPOTIFY_CONNECTION = "echotune_spotify"
PERSONAL_DATA_CONNECTION = "echotune_pii"
NOTIFICATIONS_CONNECTION = "echotune_notifications"
DEFAULT_DATABASE = "spotify_analytics"
DEFAULT_COLLECTION = "listening_history"
