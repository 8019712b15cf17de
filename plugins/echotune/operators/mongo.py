"""What steps that write to MongoDB share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator

from echotune.names import MONGO_CONNECTION


class MongoWritingOperator(BaseOperator):
    """A step that writes to MongoDB, unless it is to report only.

    :param report_only: write nothing
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("report_only", "mongo_conn_id")

    def __init__(
        self, *, report_only: bool | str = False, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.report_only = report_only
        self.mongo_conn_id = mongo_conn_id
