"""Measuring what the databases take.

What only a running task needs is imported when it runs: a DAG file that imports this module is parsed in no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from echotune.names import MONGO_CONNECTION, SUPABASE_CONNECTION
from echotune.operators.arguments import Values
from echotune.operators.maintenance import told_to_the_report

if TYPE_CHECKING:
    from airflow.sdk import Context

    from echotune.storage.sizes import Measurement


class MeasureMongoStorageOperator(BaseOperator):
    """Measures MongoDB: its collections and indexes, and how many plays come in and are old. Reads only.

    Returns the measurement: numbers of bytes and rows.

    :param storage: see StorageSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("storage", "mongo_conn_id")

    def __init__(self, *, storage: Values, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.storage = storage
        self.mongo_conn_id = mongo_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.storage.mongo_sizes import measure_mongodb
        from echotune.storage.settings import StorageSettings

        with told_to_the_report(context, "MongoDB"):
            settings = StorageSettings.of(self.storage)
            with HistoryMongoHook(self.mongo_conn_id) as hook:
                years = settings.archive_older_than_years
                measurement = measure_mongodb(hook.get_store(), archive_years=years, now=datetime.now(UTC))
        return _returned(measurement)


class MeasurePostgresStorageOperator(BaseOperator):
    """Measures PostgreSQL: its tables and indexes, and how many plays come in. Reads only.

    Returns the measurement: numbers of bytes and rows.

    :param storage: see StorageSettings
    :param supabase_conn_id: the Airflow connection to PostgreSQL
    """

    template_fields: Sequence[str] = ("storage", "supabase_conn_id")

    def __init__(self, *, storage: Values, supabase_conn_id: str = SUPABASE_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.storage = storage
        self.supabase_conn_id = supabase_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.hooks.supabase import SupabaseHook
        from echotune.storage.postgres_sizes import measure_postgresql
        from echotune.storage.settings import StorageSettings

        with told_to_the_report(context, "PostgreSQL"):
            StorageSettings.of(self.storage)
            with SupabaseHook(self.supabase_conn_id).get_conn() as connection:
                measurement = measure_postgresql(connection)
        return _returned(measurement)


def _returned(measurement: Measurement) -> dict[str, Any]:
    from pydantic import RootModel

    from echotune.storage.sizes import Measurement

    returned: dict[str, Any] = RootModel[Measurement](measurement).model_dump(mode="json")
    return returned
