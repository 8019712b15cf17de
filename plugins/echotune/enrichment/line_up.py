"""Who is asked for what: the providers of a queue, behind the gates of their services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from echotune.enrichment.cache import AnswerCache, CachedProvider
from echotune.enrichment.capabilities import Capabilities
from echotune.enrichment.gate import Gate
from echotune.enrichment.limits import Limiter
from echotune.enrichment.progress import ProgressKeeper
from echotune.enrichment.providers.base import Provider
from echotune.enrichment.providers.mock import MockFeatures
from echotune.enrichment.providers.reccobeats import ReccoBeats
from echotune.enrichment.providers.spotify_catalog import SpotifyCatalog
from echotune.enrichment.providers.spotify_features import SpotifyFeatures
from echotune.enrichment.queue import Due, Queue
from echotune.enrichment.reccobeats_client import ReccoBeatsClient
from echotune.enrichment.settings import MADE_UP, SIMULATED, EnrichmentSettings, ProviderName, Subject
from echotune.enrichment.shared_state import SharedState
from echotune.enrichment.spotify_client import Kind, SpotifyClient
from echotune.enrichment.worker import Worker
from echotune.history.store import HistoryStore

if TYPE_CHECKING:
    from echotune.enrichment.providers.feature_table import TablePath

AUDIO_FEATURES = "audio-features"


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services, and what workers share.

    :param spotify: makes the client when it is needed first, so that a run that makes no call needs no account
    :param application: names the application to remembered capabilities: the client's id
    :param features_table: the file of the provider ``local``
    :param simulated: whether simulators answer, so that what comes from them has to say so
    """

    state: SharedState
    limiter: Limiter
    spotify: Callable[[], SpotifyClient]
    reccobeats: Callable[[], ReccoBeatsClient]
    application: str = ""
    features_table: TablePath | None = None
    simulated: bool = False

    def named(self, service: str) -> str:
        """The name of a service, for values, limits and cache alike."""
        return service + SIMULATED if self.simulated else service


@dataclass(frozen=True)
class LineUp:
    """The providers for one subject in one run."""

    subject: Subject
    settings: EnrichmentSettings
    services: Services
    gates: dict[str, Gate] = field(default_factory=dict)

    @cached_property
    def due(self) -> Due:
        """What is due in this run."""
        days = self.settings.refresh_after_days
        # What is made up never takes the place of what is real, however old that is.
        makes_up = self.settings.mock or self.services.simulated
        refresh_before = datetime.now(UTC) - timedelta(days=days) if days and not makes_up else None
        made_up = (ProviderName.MOCK.value,) if self.services.simulated else MADE_UP
        return Due(refresh_before=refresh_before, made_up_too=not self.settings.mock, made_up=made_up)

    def providers(self) -> list[Provider]:
        """The providers in the order they are asked; those known to be closed to this application are left out."""
        if self.subject is not Subject.AUDIO_FEATURES:
            return [] if self.settings.mock else self._catalog(Kind(self.subject.value))
        makers: Mapping[ProviderName, Callable[[], list[Provider]]] = {
            ProviderName.SPOTIFY: self._spotify_features,
            ProviderName.RECCOBEATS: self._reccobeats,
            ProviderName.LOCAL: self._local,
            ProviderName.MOCK: lambda: [MockFeatures()],
        }
        return [provider for name in self.settings.feature_providers for provider in makers[name]()]

    def _catalog(self, kind: Kind) -> list[Provider]:
        provider = SpotifyCatalog(
            kind,
            client=self.services.spotify(),
            gate=self._gate(ProviderName.SPOTIFY),
            capabilities=self._capabilities(),
        )
        return [] if provider.is_closed else [self._cached(provider, kind)]

    def _spotify_features(self) -> list[Provider]:
        provider = SpotifyFeatures(
            client=self.services.spotify(),
            gate=self._gate(ProviderName.SPOTIFY),
            capabilities=self._capabilities(),
        )
        return [] if provider.is_closed else [self._cached(provider, AUDIO_FEATURES)]

    def _reccobeats(self) -> list[Provider]:
        provider = ReccoBeats(client=self.services.reccobeats(), gate=self._gate(ProviderName.RECCOBEATS))
        return [self._cached(provider, AUDIO_FEATURES)]

    def _local(self) -> list[Provider]:
        # pyarrow takes as long to import as a small run takes to end, and only this provider needs it.
        from echotune.enrichment.providers.local_table import LocalTable  # noqa: PLC0415

        return [LocalTable(self.services.features_table)] if self.services.features_table else []

    def _cached(self, provider: Provider, what: str) -> Provider:
        name = self.services.named(provider.name)
        cache = AnswerCache(self.services.state, f"{name}:{what}")
        return CachedProvider(provider, cache, not_before=self.due.refresh_before, name=name)

    def _capabilities(self) -> Capabilities:
        return Capabilities(self.services.state, self.services.application)

    def _gate(self, service: ProviderName) -> Gate:
        name = self.services.named(service)
        limits = self.settings.limits_of(name)
        return self.gates.setdefault(name, Gate(limiter=self.services.limiter, service=name, limits=limits))


def make_worker(store: HistoryStore, line_up: LineUp, keeper: ProgressKeeper, *, most: int = 0) -> Worker:
    """Return the worker whose progress is kept, for a line-up.

    :param most: the most documents it may settle in the run; 0: no limit
    """
    queue = queue_of(store, line_up, owner=keeper.progress.id)
    return Worker(queue, line_up.providers(), keeper=keeper, gates=line_up.gates, most=most)


def count_due(store: HistoryStore, line_up: LineUp) -> int:
    """How many documents of a line-up's queue are due."""
    queue = queue_of(store, line_up, owner="")
    return queue.count_due([provider.name for provider in line_up.providers()])


def queue_of(store: HistoryStore, line_up: LineUp, *, owner: str) -> Queue:
    """Return the queue of a line-up's subject."""
    subject = line_up.subject
    return Queue(store.database[subject.collection], subject.kind, owner=owner, due=line_up.due)
