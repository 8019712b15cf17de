"""The line-up: who is asked for what, in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from echotune.enrichment.capabilities import Capabilities, Capability
from echotune.enrichment.line_up import LineUp, count_due, queue_of
from echotune.enrichment.settings import REAL_PROVIDERS, Subject
from tests.support.simulator import some_ids
from tests.support.working import Desk, fill, set_state

IDS = some_ids(6)


def names(line_up: LineUp) -> list[str]:
    return [provider.name for provider in line_up.providers()]


@pytest.mark.parametrize("order", [["spotify", "reccobeats"], ["reccobeats", "spotify"], ["reccobeats"]])
def test_providers_are_asked_in_the_order_of_the_settings(desk: Desk, order: list[str]) -> None:
    assert names(desk.line_up(Subject.AUDIO_FEATURES, providers=order)) == order


@pytest.mark.parametrize("name", REAL_PROVIDERS)
def test_each_provider_that_a_run_may_name_is_in_its_line_up(desk: Desk, tmp_path: Path, name: str) -> None:
    line_up = desk.line_up(Subject.AUDIO_FEATURES, providers=[name], features_table="table.csv")
    services = replace(line_up.services, features_table=tmp_path / "table.csv")
    assert names(replace(line_up, services=services)) == [name]


@pytest.mark.parametrize("subject", [Subject.TRACKS, Subject.ARTISTS, Subject.ALBUMS])
def test_the_catalog_comes_from_spotify_alone(desk: Desk, subject: Subject) -> None:
    assert names(desk.line_up(subject, providers="reccobeats")) == ["spotify"]
    assert names(desk.line_up(subject, mock=True)) == []


def test_the_table_of_the_user_is_asked_where_there_is_one(desk: Desk, tmp_path: Path) -> None:
    line_up = desk.line_up(Subject.AUDIO_FEATURES, providers="local", features_table="features.csv")
    assert names(line_up) == []
    assert names(replace(line_up, services=replace(line_up.services, features_table=tmp_path / "f.csv"))) == ["local"]


@pytest.mark.parametrize(
    ("subject", "endpoint"), [(Subject.AUDIO_FEATURES, "audio-features"), (Subject.TRACKS, "tracks")]
)
def test_what_is_known_to_be_closed_is_left_out(desk: Desk, subject: Subject, endpoint: str) -> None:
    line_up = desk.line_up(subject, providers="spotify")
    Capabilities(line_up.services.state, line_up.services.application).remember(endpoint, Capability.CLOSED)
    assert names(desk.line_up(subject, providers="spotify")) == []


def forbidden() -> Any:
    raise AssertionError("this run needs no account")


def test_a_run_that_calls_nobody_needs_no_account(desk: Desk) -> None:
    for subject in Subject:
        line_up = desk.line_up(subject, mock=True)
        services = replace(line_up.services, spotify=forbidden, reccobeats=forbidden)
        names(replace(line_up, services=services))
    line_up = desk.line_up(Subject.AUDIO_FEATURES, providers="reccobeats")
    assert names(replace(line_up, services=replace(line_up.services, spotify=forbidden))) == ["reccobeats"]


def test_all_calls_to_one_service_go_through_one_gate(desk: Desk) -> None:
    line_up = desk.line_up(Subject.AUDIO_FEATURES)
    bare = LineUp(line_up.subject, line_up.settings, line_up.services)
    bare.providers()
    first = dict(bare.gates)
    bare.providers()
    assert bare.gates == first
    assert set(first) == {"spotify", "reccobeats"}


def test_the_age_of_values_is_that_of_the_settings(desk: Desk) -> None:
    due = desk.line_up(Subject.TRACKS, refresh_after_days=3).due
    assert due.refresh_before is not None
    assert abs(datetime.now(UTC) - timedelta(days=3) - due.refresh_before) < timedelta(minutes=1)
    assert (due.made_up_too, desk.line_up(Subject.TRACKS, refresh_after_days=0).due.refresh_before) == (True, None)
    mock = desk.line_up(Subject.AUDIO_FEATURES, refresh_after_days=3, mock=True).due
    assert (mock.refresh_before, mock.made_up_too) == (None, False)


def test_each_subject_has_a_queue_of_its_own(desk: Desk) -> None:
    queues = [queue_of(desk.store, desk.line_up(subject), owner="anna") for subject in Subject]
    assert [(queue.collection.name, queue.kind.value) for queue in queues] == [
        ("tracks", "audio_features"),
        ("tracks", "catalog"),
        ("artists", "catalog"),
        ("albums", "catalog"),
    ]


def test_what_is_due_is_counted_for_the_providers_of_the_run(desk: Desk) -> None:
    fill(desk.store.tracks, IDS)
    later = datetime.now(UTC) + timedelta(days=9)
    set_state(desk.store.tracks, IDS[0], status="unavailable", providers=["reccobeats"], next_attempt_at=later)
    set_state(desk.store.tracks, IDS[1], status="enriched", provider="mock")

    def count(**settings: Any) -> int:
        return count_due(desk.store, desk.line_up(Subject.AUDIO_FEATURES, **settings))

    assert (count(), count(providers="reccobeats"), count(mock=True)) == (6, 5, 5)
