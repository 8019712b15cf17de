"""The steps of index maintenance, and the report of a run.

What only a running task needs is imported when it runs: a DAG file that imports this module is parsed in no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from echotune.names import MONGO_CONNECTION, SUPABASE_CONNECTION
from echotune.operators.arguments import Upstream, Values
from echotune.operators.failing import fail_at_once_on, failed_tasks
from echotune.operators.maintenance import told_to_the_report

if TYPE_CHECKING:
    from airflow.sdk import Context

    from echotune.indexes.steps import StepResult
    from echotune.storage.ending import Ending


class MaintainMongoIndexesOperator(BaseOperator):
    """Makes MongoDB's indexes what include/mongo/indexes.json declares; in a dry run only tells what it would do.

    Returns what became of each step.

    :param settings: see MaintenanceSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("settings", "mongo_conn_id")

    def __init__(self, *, settings: Values, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.mongo_conn_id = mongo_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.indexes.mongo_maintenance import maintain_mongodb
        from echotune.indexes.settings import MaintenanceSettings

        with told_to_the_report(context, "MongoDB"):
            settings = MaintenanceSettings.of(self.settings)
            with HistoryMongoHook(self.mongo_conn_id) as hook:
                results = maintain_mongodb(hook.get_store(), settings, now=datetime.now(UTC))
        return _told(self.log, results)


class MaintainPostgresIndexesOperator(BaseOperator):
    """Makes PostgreSQL's indexes what include/sql/indexes declares; in a dry run only tells what it would do.

    Returns what became of each step.

    :param settings: see MaintenanceSettings
    :param supabase_conn_id: the Airflow connection to PostgreSQL; its user owns the tables
    """

    template_fields: Sequence[str] = ("settings", "supabase_conn_id")

    def __init__(self, *, settings: Values, supabase_conn_id: str = SUPABASE_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.supabase_conn_id = supabase_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.hooks.supabase import SupabaseHook
        from echotune.indexes.postgres_maintenance import maintain_postgresql
        from echotune.indexes.settings import MaintenanceSettings

        with told_to_the_report(context, "PostgreSQL"):
            settings = MaintenanceSettings.of(self.settings)
            with SupabaseHook(self.supabase_conn_id).get_conn() as connection:
                results = maintain_postgresql(connection, settings)
        return _told(self.log, results)


def _told(log: Any, results: Sequence[StepResult]) -> dict[str, Any]:
    """Log what became of the steps, and return it for the report."""
    from pydantic import RootModel

    from echotune.indexes.steps import StepResult
    from echotune.storage.report import step_lines

    for line in step_lines(results) or ["Nothing to do"]:
        log.info("%s", line)
    return {"results": RootModel[list[StepResult]](list(results)).model_dump(mode="json")}


class ReportMaintenanceOperator(BaseOperator):
    """Tells a person what a run did and what storage is left, and keeps that in ``maintenance_runs``.

    Fails where anything failed; what the server refused, or what was busy, is told and fails nothing.

    :param maintained: what the operators that maintain indexes returned
    :param measured: what the operators that measure storage returned
    :param settings: see MaintenanceSettings
    :param storage: see StorageSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("settings", "storage", "maintained", "measured", "mongo_conn_id")

    def __init__(
        self,
        *,
        maintained: Sequence[Upstream],
        measured: Sequence[Upstream],
        settings: Values,
        storage: Values,
        mongo_conn_id: str = MONGO_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.maintained = maintained
        self.measured = measured
        self.settings = settings
        self.storage = storage
        self.mongo_conn_id = mongo_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.indexes.settings import IndexesError
        from echotune.storage.errors import StorageError

        with fail_at_once_on(IndexesError, StorageError):
            summary = self._report(self._ending(context))
        for line in summary["text"]:
            self.log.info("%s", line)
        if summary["problems"]:
            # It is kept before the task fails: what was done is as good as it is.
            context["ti"].xcom_push(key="return_value", value=summary)
            raise AirflowFailException("; ".join(summary["problems"]))
        return summary

    def _ending(self, context: Context) -> Ending:
        """What the tasks of this run left."""
        from pydantic import RootModel

        from echotune.indexes.settings import MaintenanceSettings
        from echotune.indexes.steps import StepResult
        from echotune.storage.ending import Ending
        from echotune.storage.settings import StorageSettings
        from echotune.storage.sizes import Measurement

        settings, storage = MaintenanceSettings.of(self.settings), StorageSettings.of(self.storage)
        returned = [value for value in [*self.maintained, *self.measured] if value]
        told = {value["task"]: value["problem"] for value in returned if "problem" in value}
        untold = [task for task in failed_tasks(context) if task not in told]
        return Ending(
            run_id=context["run_id"],
            now=datetime.now(UTC),
            dry_run=settings.dry_run,
            results=[
                result
                for value in self.maintained
                if value and "results" in value
                for result in RootModel[list[StepResult]].model_validate(value["results"]).root
            ],
            measurements=[
                RootModel[Measurement].model_validate(value).root
                for value in self.measured
                if value and "problem" not in value
            ],
            # A database that is down fails its two tasks for one reason.
            problems=[*dict.fromkeys(told.values()), *(f"{task} failed, see the end of its log" for task in untold)],
            settings={**self.settings, **self.storage},
            plans=storage.plans,
        )

    def _report(self, ending: Ending) -> dict[str, Any]:
        """Write the report with what earlier runs know, as far as MongoDB can be reached."""
        from echotune.history.store import HistoryStore
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.storage.ending import report_run
        from echotune.storage.errors import StorageError

        with ExitStack() as opened:

            def open_store() -> HistoryStore:
                try:
                    hook: HistoryMongoHook = opened.enter_context(HistoryMongoHook(self.mongo_conn_id))
                    return hook.get_store()
                except AirflowNotFoundException as error:
                    raise StorageError(str(error)) from error

            return report_run(open_store, ending)
