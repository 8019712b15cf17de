"""The operator that makes MongoDB's declared indexes."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from echotune.operators.arguments import is_on
from echotune.operators.mongo import MongoWritingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class EnsureMongoIndexesOperator(MongoWritingOperator):
    """Creates the indexes declared in include/mongo/indexes.json that the server lacks, and reports the rest.

    An index that is there with other options, or hidden, is reported and left to the maintenance.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.indexes.mongo import declared_indexes, ensure_indexes
        from echotune.indexes.steps import Action

        with HistoryMongoHook(self.mongo_conn_id) as hook:
            store = hook.get_store()
            declared = declared_indexes(plays=store.plays.name)
            steps = ensure_indexes(store.database, declared, dry_run=is_on(self.report_only))
        for step in steps:
            level = logging.INFO if step.action in (Action.CREATE, Action.LEAVE) else logging.WARNING
            self.log.log(level, "%-8s %s.%s: %s", step.action, step.place, step.name, step.reason)
        return dict(Counter(step.action.value for step in steps))
