"""Celery's settings: those of Airflow's provider, and what a worker imports once, before it forks for each task.

A task would import these for itself, which takes as long as many a task does. They are libraries only: a change of our
own code is seen by the next task, without a new start of the workers.
"""

from __future__ import annotations

from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG

IMPORTED_AT_START = (
    "airflow.providers.mongo.hooks.mongo",
    "airflow.providers.postgres.hooks.postgres",
    "airflow.providers.redis.hooks.redis",
    "psycopg",
    "pyarrow.csv",
    "pyarrow.parquet",
    "pymongo",
    "spotipy",
)
CELERY_SETTINGS = {**DEFAULT_CELERY_CONFIG, "imports": IMPORTED_AT_START}
