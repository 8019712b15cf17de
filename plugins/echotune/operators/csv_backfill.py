"""The steps of loading listening histories into MongoDB.

What only a running task needs is imported when it runs: a DAG file that imports this module is parsed in no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from echotune.history.errors import HistoryError
from echotune.names import MONGO_CONNECTION, PERSONAL_DATA_CONNECTION
from echotune.operators.arguments import Upstream, Values, is_on
from echotune.operators.failing import fail_at_once_on
from echotune.operators.mapped import pull_mapped
from echotune.operators.mongo import MongoWritingOperator
from echotune.operators.reconcile import ReconcileOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from echotune.history.counts import LoadCounts
    from echotune.history.plan import FilePlan
    from echotune.history.privacy import PersonalData, PersonalDataPolicy
    from echotune.reconciliation import Check


class InspectHistoryOperator(BaseOperator):
    """Finds the files of a source and checks each before anything is read or written.

    Returns the files with their size and SHA-256.

    :param source: a file, a folder, a pattern or a ZIP, on the worker or in object storage
    :param settings: see LoadSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("source", "settings", "mongo_conn_id")

    def __init__(self, *, source: str, settings: Values, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.settings = settings
        self.mongo_conn_id = mongo_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from echotune.history.preflight import check_room, inspect_file
        from echotune.history.settings import LoadSettings
        from echotune.history.source import find_files, split_pattern
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.operators.history_path import history_path

        with fail_at_once_on(HistoryError), HistoryMongoHook(self.mongo_conn_id) as hook:
            base, pattern = split_pattern(self.source)
            username = LoadSettings.of(self.settings).username
            found = find_files(history_path(base), pattern)
            for history in found:
                history_path(str(history.path))  # a link that leads out of the deployment's folders is refused
            files = [inspect_file(file, username=username) for file in found]
            free_bytes = check_room(hook.get_store(), files)
        for file in files:
            self.log.info("%s: %s bytes, SHA-256 %s", file.name, f"{file.size:,}", file.sha256)
        if free_bytes is not None:
            self.log.info("The database's disk has %s MiB free", f"{free_bytes / 2**20:,.0f}")
        return [asdict(file) for file in files]


class PlanHistoryOperator(BaseOperator):
    """Cuts the files into chunks and leaves out those that an earlier load has done.

    Returns the arguments of a LoadHistoryChunksOperator for each batch of chunks, and pushes a plan of each file as
    ``files``. Where all chunks are done but a run before did not come to its end, that is one batch without chunks: the
    steps behind the load run, which are skipped where nothing is new.

    :param files: as InspectHistoryOperator returns them
    :param settings: see LoadSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("files", "settings", "mongo_conn_id")

    def __init__(
        self, *, files: Upstream, settings: Values, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.files = files
        self.settings = settings
        self.mongo_conn_id = mongo_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from echotune.history.chunks import batches
        from echotune.history.load_runs import is_unfinished
        from echotune.history.plan import plan_file
        from echotune.history.preflight import InspectedFile
        from echotune.history.settings import LoadSettings
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.operators.history_path import history_path

        plans, chunks, file_rows = [], [], {}
        with fail_at_once_on(HistoryError), HistoryMongoHook(self.mongo_conn_id) as hook:
            settings = LoadSettings.of(self.settings)
            for file in (InspectedFile(**values) for values in self.files):
                plan, waiting = plan_file(hook.get_store(), history_path(file.path), file, settings)
                plans.append(asdict(plan))
                chunks += waiting
                file_rows[file.path, file.member] = plan.rows
                self.log.info(
                    "%s: %s rows; chunks to load: %d, done before: %d",
                    file.name,
                    f"{plan.rows:,}",
                    len(waiting),
                    plan.done_chunks,
                )
            to_load = list(batches(chunks, rows=settings.chunk_rows))
            if not to_load and is_unfinished(hook.get_store()):
                self.log.info("Nothing to load, but steps behind an earlier load are not done")
                to_load = [[]]
        context["ti"].xcom_push(key="files", value=plans)
        return [
            {"chunks": [{"chunk": asdict(chunk), "file_rows": file_rows[chunk.path, chunk.member]} for chunk in batch]}
            for batch in to_load
        ]


class LoadHistoryChunksOperator(BaseOperator):
    """Loads some chunks of rows: plays into the collection, bad rows into ``rejected_rows``.

    Safe to run again at any point: a play that is there is left as it is. Returns what became of the rows of each.

    :param chunks: for each, ``chunk`` with the fields of a Chunk, and ``file_rows``, the rows of the whole file
    :param settings: see LoadSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    :param personal_data_conn_id: the Airflow connection whose password is the key of the ``hash`` policy
    """

    # Not the chunks: Airflow would run what an upstream task returned, names of files too, as a template.
    template_fields: Sequence[str] = ("settings", "mongo_conn_id", "personal_data_conn_id")

    def __init__(
        self,
        *,
        chunks: Sequence[Values],
        settings: Values,
        mongo_conn_id: str = MONGO_CONNECTION,
        personal_data_conn_id: str = PERSONAL_DATA_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chunks = chunks
        self.settings = settings
        self.mongo_conn_id = mongo_conn_id
        self.personal_data_conn_id = personal_data_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from echotune.history.chunks import Chunk
        from echotune.history.load import load_chunk
        from echotune.history.settings import LoadSettings
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.operators.history_path import history_path

        loaded = []
        with fail_at_once_on(HistoryError), HistoryMongoHook(self.mongo_conn_id) as hook:
            settings = LoadSettings.of(self.settings)
            personal_data = self._personal_data(settings.pii_policy)
            for planned in self.chunks:
                chunk = Chunk(**planned["chunk"])
                counts = load_chunk(
                    hook.get_store(),
                    history_path(chunk.path),
                    chunk,
                    settings=settings,
                    personal_data=personal_data,
                    file_rows=planned["file_rows"],
                )
                loaded.append({"path": chunk.path, "member": chunk.member, "counts": asdict(counts)})
        return loaded

    def _personal_data(self, policy: PersonalDataPolicy) -> PersonalData:
        from airflow.sdk import BaseHook
        from airflow.sdk.exceptions import AirflowNotFoundException

        from echotune.history.privacy import PersonalData, PersonalDataPolicy

        if policy is not PersonalDataPolicy.HASH:
            return PersonalData(policy=policy)
        try:
            key = BaseHook.get_connection(self.personal_data_conn_id).password
        except AirflowNotFoundException:
            key = None
        return PersonalData(policy=policy, key=key.encode() if key else None)


class MarkDuplicatesOperator(MongoWritingOperator):
    """Marks plays that are the same as another, told by another source; both documents stay.

    Returns how many documents were marked by each rule, and how many marks were taken away.
    """

    def execute(self, context: Context) -> dict[str, int]:
        from echotune.history.mark_duplicates import mark_duplicates
        from echotune.hooks.mongo import HistoryMongoHook

        if is_on(self.report_only):
            self.log.info("Dry run: no play is marked")
            return {}
        with HistoryMongoHook(self.mongo_conn_id) as hook:
            marked = mark_duplicates(hook.get_store())
        self.log.info("Marked as duplicates: %s", marked or "none")
        return marked


class RefreshCatalogOperator(MongoWritingOperator):
    """Counts tracks, artists and albums anew inside MongoDB, if plays came in since it was done last.

    Returns how many documents of each are new.
    """

    def execute(self, context: Context) -> dict[str, int]:
        from echotune.history.catalog import refresh_catalog
        from echotune.hooks.mongo import HistoryMongoHook

        if is_on(self.report_only):
            self.log.info("Dry run: the catalog is left as it is")
            return {}
        with HistoryMongoHook(self.mongo_conn_id) as hook:
            return refresh_catalog(hook.get_store())


def load_results(plans: Sequence[Values], loaded: Sequence[Sequence[Values]]) -> list[tuple[FilePlan, LoadCounts]]:
    """Put the plans of files and the results of their chunks together: what became of the rows of each file."""
    from echotune.history.counts import LoadCounts
    from echotune.history.plan import FilePlan

    results = [result for batch in loaded for result in batch]
    files = []
    for plan in map(FilePlan.from_dict, plans):
        place = (plan.file.path, plan.file.member)
        chunks = [LoadCounts(**result["counts"]) for result in results if (result["path"], result["member"]) == place]
        files.append((plan, LoadCounts.total([plan.done, *chunks])))
    return files


class ReconcileLoadOperator(ReconcileOperator):
    """Proves that every row of every file is accounted for, and that what was loaded is there.

    :param plans: ``files`` of a PlanHistoryOperator
    :param load_task_id: the LoadHistoryChunksOperators
    :param settings: see LoadSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("plans", "settings", "mongo_conn_id")

    def __init__(
        self,
        *,
        plans: Upstream,
        load_task_id: str,
        settings: Values,
        mongo_conn_id: str = MONGO_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plans = plans
        self.load_task_id = load_task_id
        self.settings = settings
        self.mongo_conn_id = mongo_conn_id

    def checks(self, context: Context) -> list[Check]:
        from echotune.history.reconcile import reconcile_load
        from echotune.history.settings import LoadSettings
        from echotune.hooks.mongo import HistoryMongoHook

        files = load_results(self.plans, pull_mapped(context, self.load_task_id))
        with fail_at_once_on(HistoryError), HistoryMongoHook(self.mongo_conn_id) as hook:
            return reconcile_load(hook.get_store(), files, LoadSettings.of(self.settings))


class SummariseLoadOperator(BaseOperator):
    """Tells a person what the load did, what it left, and why.

    :param plans: ``files`` of a PlanHistoryOperator
    :param load_task_id: the LoadHistoryChunksOperators
    :param duplicates: what MarkDuplicatesOperator returned
    :param catalog: what RefreshCatalogOperator returned
    :param settings: see LoadSettings
    """

    template_fields: Sequence[str] = ("plans", "duplicates", "catalog", "settings")

    def __init__(
        self,
        *,
        plans: Upstream,
        load_task_id: str,
        duplicates: Upstream,
        catalog: Upstream,
        settings: Values,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plans = plans
        self.load_task_id = load_task_id
        self.duplicates = duplicates
        self.catalog = catalog
        self.settings = settings

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.history.report import summarise
        from echotune.history.settings import LoadSettings

        files = load_results(self.plans, pull_mapped(context, self.load_task_id))
        dry_run = LoadSettings.of(self.settings).dry_run
        summary = summarise(files, self.duplicates or {}, self.catalog or {}, dry_run=dry_run)
        for line in summary["text"]:
            self.log.info("%s", line)
        return summary


class AnnounceNewPlaysOperator(MongoWritingOperator):
    """Succeeds, and so updates its outlets, where there are new plays that no run has told of; is else skipped.

    They may be of a run before this one, which failed after it had loaded them.
    """

    def execute(self, context: Context) -> None:
        from echotune.history.load_runs import announce_new_plays
        from echotune.hooks.mongo import HistoryMongoHook

        if is_on(self.report_only):
            raise AirflowSkipException("Dry run: there are no new plays to tell of")
        with HistoryMongoHook(self.mongo_conn_id) as hook:
            chunks = announce_new_plays(hook.get_store(), f"{self.dag_id} {context['run_id']}")
        if not chunks:
            raise AirflowSkipException("no new plays: nothing to tell the DAGs that read them")
        self.log.info("The new plays of %s chunks are announced", chunks)
