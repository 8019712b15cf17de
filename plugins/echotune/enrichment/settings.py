"""What a person chooses for an enrichment."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.limits import Limits


class EnrichmentKind(StrEnum):
    """What is learnt: how a track sounds, or what it, its artists and its album are."""

    AUDIO_FEATURES = "audio_features"
    CATALOG = "catalog"


class Subject(StrEnum):
    """What a worker enriches."""

    AUDIO_FEATURES = "audio_features"
    TRACKS = "tracks"
    ARTISTS = "artists"
    ALBUMS = "albums"

    @property
    def kind(self) -> EnrichmentKind:
        """The kind it belongs to."""
        return EnrichmentKind.AUDIO_FEATURES if self is Subject.AUDIO_FEATURES else EnrichmentKind.CATALOG

    @property
    def collection(self) -> str:
        """The collection whose documents are its queue."""
        return "tracks" if self is Subject.AUDIO_FEATURES else self.value


class ProviderName(StrEnum):
    """Where audio features come from; written as ``provider`` beside them."""

    SPOTIFY = "spotify"
    RECCOBEATS = "reccobeats"
    LOCAL = "local"
    MOCK = "mock"


REAL_PROVIDERS = tuple(name for name in ProviderName if name is not ProviderName.MOCK)
"""Providers that a run may name: made-up values never mix with real ones."""

SIMULATED = "-simulated"
"""Follows the name of a provider whose service is simulated, so that its values are never taken for real ones."""

MADE_UP = (
    ProviderName.MOCK.value,
    ProviderName.SPOTIFY + SIMULATED,
    ProviderName.RECCOBEATS + SIMULATED,
)
"""Providers whose values a real run replaces."""


def split_list(value: Any) -> Any:
    """Take a list as text as well: a template gives ``a, b``."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class EnrichmentSettings(BaseModel):
    """The settings of one enrichment.

    :param kinds: what to learn
    :param providers: where audio features come from, tried in this order
    :param mock: make no call at all; audio features are made up and marked as such
    :param calls_per_30s: the most calls to each service in any 30 seconds
    :param calls_per_24h: the most calls to Spotify in any 24 hours
    :param max_tracks: the most tracks, artists and albums of each kind in one run; 0: no limit
    :param refresh_after_days: the age at which values are fetched anew; 0: never
    :param features_table: the file of the provider ``local``
    :param workers: the most tasks that work side by side
    :param max_run_minutes: how long a run may last with its waits
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: Annotated[tuple[EnrichmentKind, ...], BeforeValidator(split_list)] = tuple(EnrichmentKind)
    providers: Annotated[tuple[ProviderName, ...], BeforeValidator(split_list)] = (
        ProviderName.SPOTIFY,
        ProviderName.RECCOBEATS,
    )
    mock: bool = False
    calls_per_30s: Annotated[int, Field(ge=1, le=10_000)] = 30
    calls_per_24h: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    max_tracks: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    refresh_after_days: Annotated[int, Field(ge=0, le=3_650)] = 180
    features_table: str = ""
    workers: Annotated[int, Field(ge=1, le=16)] = 2
    max_run_minutes: Annotated[int, Field(ge=1, le=1_380)] = 240

    @model_validator(mode="after")
    def check_providers(self) -> Self:
        """Refuse what cannot be meant."""
        if not self.kinds:
            raise ValueError("kinds is empty: name audio_features, catalog or both")
        if not self.providers and EnrichmentKind.AUDIO_FEATURES in self.kinds and not self.mock:
            raise ValueError(f"providers is empty: name at least one of {', '.join(REAL_PROVIDERS)}")
        if len(set(self.providers)) < len(self.providers):
            raise ValueError("providers names one of them twice")
        if ProviderName.MOCK in self.providers:
            raise ValueError("providers names mock: made-up values never mix with real ones, so set mock instead")
        if ProviderName.LOCAL in self.providers and not self.features_table:
            raise ValueError("providers names local, but features_table names no file")
        return self

    @property
    def feature_providers(self) -> tuple[ProviderName, ...]:
        """Where audio features come from in this run."""
        return (ProviderName.MOCK,) if self.mock else self.providers

    def wants(self, kind: EnrichmentKind) -> bool:
        """Whether the run learns this kind. Names and dates are never made up."""
        return kind in self.kinds and not (self.mock and kind is EnrichmentKind.CATALOG)

    @property
    def needs_spotify(self) -> bool:
        """Whether anything is asked of Spotify."""
        asks_for_features = self.wants(EnrichmentKind.AUDIO_FEATURES) and ProviderName.SPOTIFY in self.feature_providers
        return asks_for_features or self.wants(EnrichmentKind.CATALOG)

    def share_of(self, worker: int, workers: int) -> int:
        """How much of ``max_tracks`` one of several workers may do, numbered from 1."""
        share, rest = divmod(self.max_tracks, workers)
        return max(share + (worker <= rest), min(1, self.max_tracks))

    def limits_of(self, service: str) -> Limits:
        """How often a service may be called; the numbers per day are Spotify's own."""
        return Limits(
            calls_per_30s=self.calls_per_30s,
            calls_per_24h=self.calls_per_24h if service.startswith(ProviderName.SPOTIFY) else None,
        )

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Read settings from values or their text, as templates and forms give them.

        :raises EnrichmentError: naming each setting that is wrong and what it may be
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise EnrichmentError("; ".join(map(_problem, error.errors()))) from None


def _problem(problem: Any) -> str:
    if not problem["loc"]:
        return str(problem["msg"]).removeprefix("Value error, ")
    return f"{problem['loc'][0]} is {problem['input']!r}: {problem['msg']}"
