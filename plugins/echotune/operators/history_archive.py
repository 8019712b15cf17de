"""The steps of archiving old plays, and of restoring them.

What only a running task needs is imported when it runs: a DAG file that imports this module is parsed in no time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from echotune.names import MONGO_CONNECTION
from echotune.operators.arguments import Values
from echotune.operators.failing import fail_at_once_on, failed_tasks
from echotune.operators.mapped import pull_mapped
from echotune.operators.telling import tell

if TYPE_CHECKING:
    from airflow.sdk import Context

    from echotune.archive.archiving import Archiver
    from echotune.history.store import HistoryStore


FOUND = "found"
"""The key under which a plan says what there is."""


class ArchiveOperator(BaseOperator):
    """What the steps share: the settings, and the way to MongoDB.

    :param settings: see ArchiveSettings, or RestoreSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("settings", "mongo_conn_id")

    def __init__(self, *, settings: Values, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.mongo_conn_id = mongo_conn_id

    @contextmanager
    def opened_store(self) -> Iterator[HistoryStore]:
        """Open MongoDB. A wrong setting, a missing connection or a file that is not to be trusted fail at once."""
        from echotune.archive.errors import ArchiveError, ArchiveUnreachable
        from echotune.hooks.mongo import HistoryMongoHook

        with fail_at_once_on(AirflowNotFoundException):
            hook = HistoryMongoHook(self.mongo_conn_id)
        try:
            with hook:
                yield hook.get_store()
        except ArchiveUnreachable:
            raise
        except ArchiveError as error:
            raise AirflowFailException(str(error)) from error


class PlanArchiveOperator(ArchiveOperator):
    """Finds the plays that are old enough, by user and year.

    Returns the arguments of an ArchivePlaysOperator for each task, none in a dry run, and pushes what it found as
    ``found``.
    """

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from echotune.archive.plan import cut_slices, measure_found, name_slices, plan_archive
        from echotune.archive.settings import ArchiveSettings

        with self.opened_store() as store:
            settings, now = ArchiveSettings.of(self.settings), datetime.now(UTC)
            before, slices = settings.before(now), plan_archive(store, settings, now)
            found = measure_found(store, slices, before, now)
        for slice_ in slices:
            self.log.info("%s: %s plays", slice_, f"{slice_.plays:,}")
        context["ti"].xcom_push(key=FOUND, value=asdict(found))
        parts = [] if settings.dry_run else cut_slices(slices, settings.plays_a_task)
        return [
            {"slices": [asdict(slice_) for slice_ in part], "before": before.isoformat(), "what": name_slices(part)}
            for part in parts
        ]


class ArchivePlaysOperator(ArchiveOperator):
    """Archives the plays of some users' years: each into a file, read back, compared, and only then removed.

    Safe to run again at any point. Returns how many plays do not fit, and what went wrong with which user's year.

    :param slices: the fields of ArchiveSlices
    :param before: the first moment that is not archived
    :param what: what they are, for a person
    """

    def __init__(self, *, slices: Sequence[Values] = (), before: str = "", what: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.slices = slices
        self.before = before
        self.what = what

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.archive.archiving import Archiver
        from echotune.archive.settings import ArchiveSettings
        from echotune.operators.history_path import archive_path

        with self.opened_store() as store:
            target = ArchiveSettings.of(self.settings).target
            archiver = Archiver(store=store, target=target, open_path=archive_path, run_id=context["run_id"])
            return self._archive(archiver, context)

    def _archive(self, archiver: Archiver, context: Context) -> dict[str, Any]:
        """Archive each slice, also where another one cannot be."""
        from echotune.archive.errors import ArchiveError
        from echotune.archive.plan import ArchiveSlice

        unfit, errors = 0, []
        for slice_ in (ArchiveSlice(**values) for values in self.slices):
            try:
                done = archiver.archive(slice_, datetime.fromisoformat(self.before))
            except ArchiveError as error:
                self.log.error("%s: %s", slice_, error)
                errors.append(error)
            else:
                unfit += done.unfit
                self.log.info("%s: %s of %s plays removed", slice_, f"{done.removed:,}", f"{done.plays:,}")
        told = {"unfit": unfit, "problems": [str(error) for error in errors]}
        if errors:
            context["ti"].xcom_push(key="return_value", value=told)
            raise errors[0]
        return told


class SummariseArchiveOperator(ArchiveOperator):
    """Tells a person what the run archived, what stays and why. Fails where anything failed.

    :param plan_task_id: the task of the PlanArchiveOperator
    :param archive_task_id: the ArchivePlaysOperators
    """

    def __init__(self, *, plan_task_id: str, archive_task_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_task_id = plan_task_id
        self.archive_task_id = archive_task_id

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.archive.archives import Archives, State
        from echotune.archive.report import Found, summarise_archive
        from echotune.archive.settings import ArchiveSettings

        # A reference to what a failed task did not push would fail before anything could be told.
        found = context["ti"].xcom_pull(task_ids=self.plan_task_id, key=FOUND)
        failed = failed_tasks(context)
        if found is None:
            raise AirflowFailException(f"nothing was archived: {', '.join(failed)} failed, see the end of the log")
        told = pull_mapped(context, self.archive_task_id)
        problems = [problem for part in told for problem in part["problems"]]
        with self.opened_store() as store:
            archives = Archives(store).in_states([*State], removed_by=context["run_id"])
            summary = summarise_archive(
                Found(**found),
                archives,
                unfit=sum(part["unfit"] for part in told),
                problems=problems or [f"{name} failed, see the end of its log" for name in failed],
                dry_run=ArchiveSettings.of(self.settings).dry_run,
            )
        return tell(self, summary, context)


class PlanRestoreOperator(ArchiveOperator):
    """Finds the archives that hold plays of those who were asked for.

    Returns the arguments of a RestorePlaysOperator for each, none in a dry run, and pushes their ids as ``found``.
    """

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from echotune.archive.restoring import plan_restore
        from echotune.archive.settings import RestoreSettings

        with self.opened_store() as store:
            settings = RestoreSettings.of(self.settings)
            archives = plan_restore(store, settings)
        for archive in archives:
            self.log.info("%s: %s", archive, archive.address)
        context["ti"].xcom_push(key=FOUND, value=[str(archive.id) for archive in archives])
        return [] if settings.dry_run else [{"archive": str(each.id), "what": str(each)} for each in archives]


class RestorePlaysOperator(ArchiveOperator):
    """Puts the plays of one archive back, to the very same documents. Safe to run again at any point.

    Returns how many plays the archive held.

    :param archive: the archive's id
    :param what: whose plays of which year they are, for a person
    """

    def __init__(self, *, archive: str = "", what: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.archive = archive
        self.what = what

    def execute(self, context: Context) -> dict[str, Any]:
        from bson import ObjectId

        from echotune.archive.errors import ArchiveError
        from echotune.archive.restoring import restore_archive
        from echotune.operators.history_path import archive_path

        with self.opened_store() as store:
            try:
                done = restore_archive(store, ObjectId(self.archive), archive_path, context["run_id"])
            except ArchiveError as error:
                context["ti"].xcom_push(key="return_value", value={"problems": [str(error)]})
                raise
        return {"restored": done.restored, "problems": []}


class SummariseRestoreOperator(ArchiveOperator):
    """Tells a person what was restored. Fails where anything failed.

    :param plan_task_id: the task of the PlanRestoreOperator
    :param restore_task_id: the RestorePlaysOperators
    """

    def __init__(self, *, plan_task_id: str, restore_task_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_task_id = plan_task_id
        self.restore_task_id = restore_task_id

    def execute(self, context: Context) -> dict[str, Any]:
        from bson import ObjectId

        from echotune.archive.archives import Archives, State
        from echotune.archive.report import summarise_restore
        from echotune.archive.settings import RestoreSettings

        # A reference to what a failed task did not push would fail before anything could be told.
        found = context["ti"].xcom_pull(task_ids=self.plan_task_id, key=FOUND)
        failed = failed_tasks(context)
        if found is None:
            raise AirflowFailException(f"nothing was restored: {', '.join(failed)} failed, see the end of the log")
        problems = [problem for part in pull_mapped(context, self.restore_task_id) for problem in part["problems"]]
        with self.opened_store() as store:
            archives = Archives(store)
            summary = summarise_restore(
                [archives.one(ObjectId(identity)) for identity in found],
                archives.in_states([State.RESTORED], restored_by=context["run_id"]),
                problems=problems or [f"{name} failed, see the end of its log" for name in failed],
                dry_run=RestoreSettings.of(self.settings).dry_run,
            )
        return tell(self, summary, context)
