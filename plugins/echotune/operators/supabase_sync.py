"""The steps of a sync between MongoDB and PostgreSQL.

What only a running task needs is imported when it runs: a DAG file that imports this module is parsed in no time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from echotune.names import MONGO_CONNECTION, SUPABASE_CONNECTION
from echotune.operators.arguments import Upstream, Values
from echotune.operators.failing import fail_at_once_on, failed_tasks
from echotune.reconciliation import NotReconciled, require_equal

if TYPE_CHECKING:
    import psycopg
    from airflow.sdk import Context

    from echotune.history.store import HistoryStore
    from echotune.sync.settings import SyncSettings
    from echotune.sync.source import SyncSource


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Both databases, open, and what is done between them."""

    settings: SyncSettings
    store: HistoryStore
    connection: psycopg.Connection[Any]

    @property
    def source(self) -> SyncSource:
        """MongoDB, read as the settings say."""
        from echotune.archive.reading import ArchiveFiles
        from echotune.operators.history_path import archive_path
        from echotune.sync.source import SyncSource

        archive = ArchiveFiles(store=self.store, open_path=archive_path)
        return SyncSource(self.store, read_preference=self.settings.read_preference, archive=archive)


class SyncOperator(BaseOperator):
    """What the steps of a sync share: the settings, and the way to both databases.

    :param settings: see SyncSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    :param supabase_conn_id: the Airflow connection to PostgreSQL
    """

    template_fields: Sequence[str] = ("settings", "mongo_conn_id", "supabase_conn_id")

    def __init__(
        self,
        *,
        settings: Values,
        mongo_conn_id: str = MONGO_CONNECTION,
        supabase_conn_id: str = SUPABASE_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.mongo_conn_id = mongo_conn_id
        self.supabase_conn_id = supabase_conn_id

    @contextmanager
    def sides(self) -> Iterator[Sides]:
        """Open both databases. A wrong setting or a missing connection fails the task at once."""
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.hooks.supabase import SupabaseHook
        from echotune.sync.errors import SyncError
        from echotune.sync.settings import SyncSettings

        with fail_at_once_on(SyncError, AirflowNotFoundException):
            settings = SyncSettings.of(self.settings)
            mongo = HistoryMongoHook(self.mongo_conn_id)
            opened = SupabaseHook(self.supabase_conn_id).get_conn()
        with mongo, opened as connection:
            yield Sides(settings=settings, store=mongo.get_store(), connection=connection)


@contextmanager
def told_to_the_summary(context: Context) -> Iterator[None]:
    """Fail the task at once where both sides differ, and leave the reason to the summary."""
    try:
        yield
    except NotReconciled as error:
        task = context["ti"]
        task.xcom_push(key="return_value", value={"problem": str(error), "task": task.task_id})
        raise AirflowFailException(str(error)) from error


class PlanSyncOperator(SyncOperator):
    """Finds out what changed in MongoDB and cuts it into slices.

    Returns the arguments of a SyncSliceOperator for each; none where the run is to verify only.
    """

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from echotune.sync.plan import plan_sync
        from echotune.sync.runs import start_run

        with self.sides() as sides:
            start_run(sides.connection, context["run_id"], sides.settings)
            slices = plan_sync(sides.connection, sides.source, context["run_id"], sides.settings)
        return [{"slice_number": slice_.number, "what": str(slice_)} for slice_ in slices]


class SyncSliceOperator(SyncOperator):
    """Copies one slice, batch by batch; a retry goes on after the last batch. Returns the counts of the whole slice.

    :param slice_number: the number of the slice in its run
    :param what: what it is, for a person
    """

    def __init__(self, *, slice_number: int = 0, what: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.slice_number = slice_number
        self.what = what

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.sync.synchronise import sync_slice

        with self.sides() as sides:
            counts = sync_slice(sides.connection, sides.source, context["run_id"], self.slice_number)
        self.log.info("%s: %s", self.what, ", ".join(f"{number:,} {name}" for name, number in asdict(counts).items()))
        return asdict(counts)


class ReconcileSyncOperator(SyncOperator):
    """Proves both sides equal by table and by month; repairs what differs where the settings say so.

    Returns what was proved, and what repairs wrote, by table.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.sync.reconcile import reconcile_sync

        with self.sides() as sides, told_to_the_summary(context):
            report = reconcile_sync(sides.connection, sides.source, context["run_id"], sides.settings)
        return report.summary() | {"repairs": {table: asdict(counts) for table, counts in report.repairs.items()}}


class SyncProfilesOperator(SyncOperator):
    """Brings preferences and playlists that changed in PostgreSQL to MongoDB, and proves them equal.

    What somebody changed in MongoDB is put right where the settings allow repairs. Returns what became of the profiles.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.sync.profiles import ProfileCounts, sync_profiles

        with self.sides() as sides, told_to_the_summary(context):
            settings, counts = sides.settings, ProfileCounts()
            if not settings.verify_only:
                counts += sync_profiles(sides.connection, sides.store, full_refresh=settings.full_refresh)
            try:
                self._verify(sides)
            except NotReconciled as error:
                if settings.verify_only or not settings.repair:
                    raise
                self.log.warning("%s. All profiles are compared and put right", error)
                counts += sync_profiles(sides.connection, sides.store, full_refresh=True)
                self._verify(sides)
        return {"counts": asdict(counts)}

    def _verify(self, sides: Sides) -> None:
        from echotune.sync.profile_checks import verify_profiles

        checks = verify_profiles(sides.connection, sides.store)
        for check in checks:
            self.log.info("%s", check)
        require_equal(checks)


class SummariseSyncOperator(SyncOperator):
    """Tells a person what the run did, what was proved and what waits. Fails where anything failed or differs.

    :param planned: what PlanSyncOperator returned; None where the run never came so far
    :param reconciled: what ReconcileSyncOperator returned
    :param profiles: what SyncProfilesOperator returned
    """

    template_fields: Sequence[str] = (*SyncOperator.template_fields, "planned", "reconciled", "profiles")

    def __init__(self, *, planned: Upstream, reconciled: Upstream, profiles: Upstream, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.planned = planned
        self.reconciled = reconciled
        self.profiles = profiles

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.sync.outcome import records_of
        from echotune.sync.report import Outcome, summarise
        from echotune.sync.runs import finish_run

        run, failed = context["run_id"], failed_tasks(context)
        if self.planned is None:
            raise AirflowFailException(f"nothing was synced: {', '.join(failed)} failed, see the end of the log")
        reconciled, profiles = self.reconciled or {}, self.profiles or {}
        problems = {told["task"]: told["problem"] for told in (reconciled, profiles) if "problem" in told}
        with self.sides() as sides:
            outcome = Outcome(
                **vars(records_of(sides.connection, run)),
                repairs=reconciled.get("repairs", {}),
                profiles=profiles.get("counts"),
                verify_only=sides.settings.verify_only,
                problems=list(problems.values()),
                failed=[task for task in failed if task not in problems],
            )
            summary = summarise(outcome)
            finish_run(sides.connection, run, summary)
        for line in summary["text"]:
            self.log.info("%s", line)
        if summary["problems"]:
            # It is kept before the task fails: what was done is as good as it is.
            context["ti"].xcom_push(key="return_value", value=summary)
            raise AirflowFailException("; ".join(summary["problems"]))
        return summary
