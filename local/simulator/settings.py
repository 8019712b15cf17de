"""What the simulator can be told to be."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

EXTENDED = "extended"
DEVELOPMENT = "development"


class Settings(BaseModel):
    """All settings, with the values they have at the start.

    mode: ``extended`` answers everything; ``development`` refuses batches and audio-features and leaves out fields.
    audio_features: ``open`` or ``closed``, whatever the mode says; null leaves it to the mode.
    limit, window_seconds: the most calls to Spotify in any window of this length; null is no limit.
    quota, quota_seconds: likewise for the long window, whose 429 says QUOTA_EXCEEDED.
    reccobeats_limit, reccobeats_window_seconds: the window of ReccoBeats.
    token_seconds: how long a token made from now on is good.
    latency_seconds: how long every answer of an API takes at the least.
    unknown_ids: ids that no endpoint knows, beside those that are unknown anyway.
    listener: who is signed in where an authorization is asked for; consent: whether they agree.
    plays_kept: how many of a listener's latest plays are remembered.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["extended", "development"] = "extended"
    audio_features: Literal["open", "closed"] | None = None
    limit: int | None = Field(default=None, ge=1)
    window_seconds: float = Field(default=30, gt=0)
    quota: int | None = Field(default=None, ge=1)
    quota_seconds: float = Field(default=86_400, gt=0)
    reccobeats_limit: int | None = Field(default=None, ge=1)
    reccobeats_window_seconds: float = Field(default=30, gt=0)
    token_seconds: float = Field(default=3600, gt=0)
    latency_seconds: float = Field(default=0, ge=0)
    unknown_ids: frozenset[str] = frozenset()
    listener: str = "simulated-listener"
    consent: bool = True
    plays_kept: int = Field(default=50, ge=1)

    @property
    def development(self) -> bool:
        """Whether batches are refused and fields left out."""
        return self.mode == DEVELOPMENT

    @property
    def features_closed(self) -> bool:
        """Whether audio-features are closed to this application."""
        return self.audio_features == "closed" if self.audio_features else self.development
