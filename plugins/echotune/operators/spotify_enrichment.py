"""The steps of enriching tracks, artists, albums and plays.

What only a running task needs is imported when it runs: a DAG file that imports this module is parsed in no time.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from echotune.enrichment.errors import EnrichmentError
from echotune.names import MONGO_CONNECTION, REDIS_CONNECTION, SPOTIFY_CONNECTION
from echotune.operators.arguments import Upstream, Values, is_on
from echotune.operators.failing import fail_at_once_on
from echotune.operators.mongo import MongoWritingOperator
from echotune.operators.reconcile import ReconcileOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from echotune.enrichment.line_up import Services
    from echotune.enrichment.progress import Progress
    from echotune.enrichment.settings import EnrichmentSettings, Subject
    from echotune.enrichment.worker import Pause
    from echotune.history.store import HistoryStore
    from echotune.hooks.spotify import SpotifyHook
    from echotune.reconciliation import Check


DUE_A_WORKER = 1_000
"""Due documents that are worth a task of their own."""


class EnrichmentOperator(BaseOperator):
    """What the steps of an enrichment share: the settings, and the way to MongoDB, Redis and Spotify.

    :param settings: see EnrichmentSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    :param redis_conn_id: the Airflow connection to Redis
    :param spotify_conn_id: the Airflow connection to Spotify
    """

    template_fields: Sequence[str] = ("settings", "mongo_conn_id", "redis_conn_id", "spotify_conn_id")

    def __init__(
        self,
        *,
        settings: Values,
        mongo_conn_id: str = MONGO_CONNECTION,
        redis_conn_id: str = REDIS_CONNECTION,
        spotify_conn_id: str = SPOTIFY_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.mongo_conn_id = mongo_conn_id
        self.redis_conn_id = redis_conn_id
        self.spotify_conn_id = spotify_conn_id

    def services(self, store: HistoryStore, settings: EnrichmentSettings, *, is_caller: bool) -> Services:
        """Return the services of a worker.

        :param is_caller: whether this worker goes on calling where Redis is away
        """
        from echotune.enrichment.line_up import Services
        from echotune.hooks.spotify import SpotifyHook
        from echotune.operators.history_path import history_path
        from echotune.operators.limiting import share_limiter, share_state

        spotify = SpotifyHook(self.spotify_conn_id)
        state = share_state(self.redis_conn_id)
        return Services(
            state=state,
            limiter=share_limiter(state, store, is_caller=is_caller),
            spotify=lambda: spotify.get_client(state.client),
            reccobeats=spotify.get_reccobeats_client,
            application=_client_id(spotify) if settings.needs_spotify else "",
            simulated=spotify.is_simulated,
            features_table=history_path(settings.features_table) if settings.features_table else None,
        )


def _client_id(spotify: SpotifyHook) -> str:
    """The application's id; where it is not set, the task fails at once."""
    with fail_at_once_on(AirflowException):
        return spotify.client_id


class PrepareEnrichmentOperator(EnrichmentOperator):
    """Checks the settings and what they need, tells what is due, and decides how many workers that is worth.

    Returns the arguments of an EnrichOperator for each worker.
    """

    def execute(self, context: Context) -> list[dict[str, int]]:
        from echotune.enrichment.line_up import LineUp, count_due
        from echotune.enrichment.runs import begin_run
        from echotune.enrichment.settings import EnrichmentSettings, Subject
        from echotune.hooks.mongo import HistoryMongoHook

        due = 0
        with fail_at_once_on(EnrichmentError), HistoryMongoHook(self.mongo_conn_id) as hook:
            settings = EnrichmentSettings.of(self.settings)
            store = hook.get_store()
            services = self.services(store, settings, is_caller=True)
            for subject in (Subject.AUDIO_FEATURES, Subject.TRACKS):
                if settings.wants(subject.kind):
                    count = count_due(store, LineUp(subject, settings, services))
                    self.log.info("%s of tracks: %s due", subject.kind, f"{count:,}")
                    due = max(due, count)
            begin_run(store, context["run_id"])
        workers = max(1, min(settings.workers, settings.max_tracks or settings.workers, -(-due // DUE_A_WORKER)))
        return [{"worker": worker, "workers": workers} for worker in range(1, workers + 1)]


class EnrichOperator(EnrichmentOperator):
    """One worker: claims what is due, asks the providers in their order, writes what they say.

    Where nobody may call for more than a minute it gives its slot back and goes on later; where that would be after the
    run's time, it ends and leaves the rest to the next run. Returns how far it came.

    :param subject: ``audio_features``, ``tracks``, ``artists`` or ``albums``
    :param worker: the number of this worker, from 1
    :param workers: how many there are
    """

    def __init__(self, *, subject: str, worker: int = 1, workers: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.subject = subject
        self.worker = worker
        self.workers = workers

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.enrichment.settings import EnrichmentSettings, Subject

        subject = Subject(self.subject)
        with fail_at_once_on(EnrichmentError):
            settings = EnrichmentSettings.of(self.settings)
            if not settings.wants(subject.kind):
                raise AirflowSkipException(f"{subject.kind} is not among the kinds of this run, or it is a mock run")
            progress, pause = self._work(context["run_id"], subject, settings)
        started = context["dag_run"].start_date or datetime.now(UTC)
        self._wait_where_worth_it(pause, started + timedelta(minutes=settings.max_run_minutes))
        told = progress.as_document()
        return told | {"go_on_at": told["go_on_at"] and told["go_on_at"].isoformat()}

    def go_on(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Go on after a wait."""
        return self.execute(context)

    def _work(self, run: str, subject: Subject, settings: EnrichmentSettings) -> tuple[Progress, Pause | None]:
        from echotune.enrichment.line_up import LineUp, make_worker
        from echotune.enrichment.progress import ProgressKeeper
        from echotune.hooks.mongo import HistoryMongoHook

        with HistoryMongoHook(self.mongo_conn_id) as hook:
            store = hook.get_store()
            identity = f"{run}/{self.subject}/{self.worker}"
            keeper = ProgressKeeper.resume(store.enrichment_runs, identity=identity, run=run, what=subject)
            line_up = LineUp(subject, settings, self.services(store, settings, is_caller=self.worker == 1))
            most = settings.share_of(self.worker, self.workers)
            pause = make_worker(store, line_up, keeper, most=most).work()
        return keeper.progress, pause

    def _wait_where_worth_it(self, pause: Pause | None, deadline: datetime) -> None:
        """Defer until a pause is over, unless that is after the run's time."""
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        if pause is None:
            return
        if pause.until is None:
            self.log.warning("Ended before everything was done: %s", pause.reason)
        elif pause.until >= deadline:
            self.log.warning(
                "Ended before everything was done: %s; that is over at %s, and the time of this run at %s",
                pause.reason,
                f"{pause.until:%Y-%m-%d %H:%M:%S} UTC",
                f"{deadline:%Y-%m-%d %H:%M:%S} UTC",
            )
        else:
            self.log.info("%s: going on at %s", pause.reason, f"{pause.until:%H:%M:%S} UTC")
            self.defer(trigger=DateTimeTrigger(moment=pause.until), method_name="go_on")


class CatalogLinksOperator(BaseOperator):
    """What the steps share that tie tracks, artists and albums: each is skipped where nothing to tie may be new.

    A subclass says in ``tie`` what it does.

    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("mongo_conn_id",)

    def __init__(self, *, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mongo_conn_id = mongo_conn_id

    @abstractmethod
    def tie(self, store: HistoryStore) -> dict[str, int] | None:
        """Do the step; return what is new."""

    def execute(self, context: Context) -> dict[str, int] | None:
        from echotune.enrichment.catalog_links import is_due
        from echotune.hooks.mongo import HistoryMongoHook

        with HistoryMongoHook(self.mongo_conn_id) as hook:
            store = hook.get_store()
            if not is_due(store, context["run_id"]):
                raise AirflowSkipException("no entry of a track or an artist is new")
            return self.tie(store)


class LinkCatalogOperator(CatalogLinksOperator):
    """Makes documents of the artists and albums that the tracks name by now. Returns how many are new."""

    def tie(self, store: HistoryStore) -> dict[str, int]:
        from echotune.enrichment.catalog_links import link_artists_and_albums

        return link_artists_and_albums(store)


class ShareGenresOperator(CatalogLinksOperator):
    """Gives tracks the genres of their artists."""

    def tie(self, store: HistoryStore) -> None:
        from echotune.enrichment.catalog_links import share_genres

        share_genres(store)


class EmbedEnrichmentOperator(MongoWritingOperator):
    """Writes what is known of tracks into those of their plays that lack it. Returns how many plays changed."""

    def execute(self, context: Context) -> dict[str, int]:
        from echotune.enrichment.embedding import embed_due
        from echotune.hooks.mongo import HistoryMongoHook

        if is_on(self.report_only):
            self.log.info("Dry run: the plays are left as they are")
            return {}
        with HistoryMongoHook(self.mongo_conn_id) as hook:
            return asdict(embed_due(hook.get_store()))


class ReconcileEnrichmentOperator(ReconcileOperator):
    """Proves that tracks say what they have and from where, and that their plays say the same.

    :param embedded: what EmbedEnrichmentOperator returned
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("embedded", "mongo_conn_id")

    def __init__(self, *, embedded: Upstream, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.embedded = embedded
        self.mongo_conn_id = mongo_conn_id

    def checks(self, context: Context) -> Sequence[Check]:
        from echotune.enrichment.reconcile import reconcile_enrichment
        from echotune.hooks.mongo import HistoryMongoHook

        with HistoryMongoHook(self.mongo_conn_id) as hook:
            return reconcile_enrichment(hook.get_store(), context["run_id"])


class SummariseEnrichmentOperator(EnrichmentOperator):
    """Tells a person what the run did, what it left, why, and when it goes on.

    :param embedded: what EmbedEnrichmentOperator returned
    """

    template_fields: Sequence[str] = (*EnrichmentOperator.template_fields, "embedded")

    def __init__(self, *, embedded: Upstream, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.embedded = embedded

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.enrichment.line_up import LineUp, count_due
        from echotune.enrichment.report import summarise
        from echotune.enrichment.runs import keep_summary, workers_of
        from echotune.enrichment.settings import EnrichmentSettings, Subject
        from echotune.hooks.mongo import HistoryMongoHook

        with fail_at_once_on(EnrichmentError), HistoryMongoHook(self.mongo_conn_id) as hook:
            settings = EnrichmentSettings.of(self.settings)
            store = hook.get_store()
            services = self.services(store, settings, is_caller=False)
            left = {
                subject.value: count_due(store, LineUp(subject, settings, services))
                for subject in Subject
                if settings.wants(subject.kind)
            }
            calls_today = services.limiter.calls_in_24h(services.named("spotify"))
            summary = summarise(workers_of(store, context["run_id"]), left, self.embedded or {}, calls_today)
            keep_summary(store, context["run_id"], summary)
        for line in summary["text"]:
            self.log.info("%s", line)
        return summary


class AnnounceCatalogOperator(BaseOperator):
    """Succeeds, and so updates its outlets, where something was learnt that no run has told of; is else skipped.

    It may be of a run before this one, which failed after it had learnt it. Fails where a person has to mend something,
    after everything that could be done is done.

    :param summary: what SummariseEnrichmentOperator returned
    :param mongo_conn_id: the Airflow connection to MongoDB
    """

    template_fields: Sequence[str] = ("summary", "mongo_conn_id")

    def __init__(self, *, summary: Upstream, mongo_conn_id: str = MONGO_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.summary = summary
        self.mongo_conn_id = mongo_conn_id

    def execute(self, context: Context) -> None:
        from echotune.enrichment.runs import is_to_announce
        from echotune.hooks.mongo import HistoryMongoHook

        if self.summary["problems"]:
            raise AirflowFailException("; ".join(self.summary["problems"]))
        counts, embedded = self.summary["counts"].values(), self.summary["embedded"]
        learnt = any(count["enriched_by"] for count in counts) or bool(embedded.get("plays"))
        with HistoryMongoHook(self.mongo_conn_id) as hook:
            if not is_to_announce(hook.get_store(), context["run_id"], learnt=learnt):
                raise AirflowSkipException("nothing new: nothing to tell the DAGs that read the catalog")
