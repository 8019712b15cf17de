"""The steps of counting what a person asks of a history first.

What only a running task needs is imported when it runs: a DAG file that imports this module is parsed in no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from echotune.names import MONGO_CONNECTION
from echotune.operators.arguments import Upstream, Values
from echotune.operators.failing import fail_at_once_on
from echotune.operators.telling import tell

if TYPE_CHECKING:
    from airflow.sdk import Context


class RefreshStatisticsOperator(BaseOperator):
    """Counts the statistics of users whose plays changed. Returns counts.

    :param settings: see StatisticsSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("settings", "mongo_conn_id")

    def __init__(self, *, settings: Values, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.mongo_conn_id = mongo_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.statistics.errors import StatisticsError
        from echotune.statistics.refresh import refresh_statistics
        from echotune.statistics.settings import StatisticsSettings

        with fail_at_once_on(StatisticsError), HistoryMongoHook(self.mongo_conn_id) as hook:
            return asdict(refresh_statistics(hook.get_store(), StatisticsSettings.of(self.settings)))


class WriteFeaturesOperator(BaseOperator):
    """Writes ``ml_features``: a Parquet file of tracks and one of users. Returns the address and rows of each.

    :param target: the folder or address below which the files are written
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("target", "mongo_conn_id")

    def __init__(self, *, target: str, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target = target
        self.mongo_conn_id = mongo_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.operators.history_path import archive_path
        from echotune.statistics.feature_files import write_features

        with HistoryMongoHook(self.mongo_conn_id) as hook:
            written = write_features(hook.get_store(), self.target, archive_path)
        return [asdict(file) for file in written]


class SummariseStatisticsOperator(BaseOperator):
    """Tells a person what a refresh counted and wrote.

    :param refreshed: what RefreshStatisticsOperator returned
    :param files: what WriteFeaturesOperator returned
    """

    template_fields: Sequence[str] = ("refreshed", "files")

    def __init__(self, *, refreshed: Upstream, files: Upstream, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.refreshed = refreshed
        self.files = files

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.statistics.report import summarise

        return tell(self, summarise(self.refreshed, self.files or []), context)
