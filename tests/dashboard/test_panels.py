"""The numbers of each panel, out of real databases: right, empty, and with a database away."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis

from echotune.dashboard.answers import State
from echotune.dashboard.databases import Databases
from echotune.dashboard.panel_answers import Panels, find
from echotune.dashboard.panels.listening import months_between
from echotune.enrichment.limiter import RedisLimiter
from echotune.enrichment.limits import Limits
from echotune.history.store import HistoryStore
from tests.dashboard.conftest import know

RUN = "insert into echotune.sync_runs (run_id, settings) values ('run', '{}')"
PROOF = (
    "insert into echotune.reconciliations"
    " (run_id, table_name, month, revision, documents, document_checksum, rows, row_checksum, state, checked_at)"
    " values ('run', %s, %s, '', %s, 0, %s, 0, %s, %s)"
)
PANELS = ("listening", "top", "features", "enrichment", "sync", "maintenance")


@pytest.mark.usefixtures("history")
def test_plays_are_counted_by_month_without_a_gap(panels: Panels) -> None:
    assert panels.listening()["months"] == [
        {"month": "2026-03", "plays": 2},
        {"month": "2026-04", "plays": 0},
        {"month": "2026-05", "plays": 1},
    ]


@pytest.mark.usefixtures("history")
def test_plays_are_counted_by_weekday_and_hour(panels: Panels) -> None:
    assert sorted(map(tuple, (one.values() for one in panels.listening()["hours_of_week"]))) == [
        (1, 12, 1),
        (1, 13, 1),
        (5, 0, 1),
    ]


def test_a_play_before_1970_is_in_its_hour_too(history: HistoryStore, panels: Panels) -> None:
    history.plays.update_one({"_id": 0}, {"$set": {"timestamp": datetime(1969, 12, 28, 23, tzinfo=UTC)}})
    assert {"weekday": 7, "hour": 23, "plays": 1} in panels.listening()["hours_of_week"]


def test_a_duplicate_is_not_counted(history: HistoryStore, panels: Panels) -> None:
    before = panels.listening()
    play = history.plays.find_one()
    assert play is not None
    history.plays.insert_one(play | {"_id": "twin", "duplicate_of": {"play": play["_id"], "rule": "same_second"}})
    assert {**panels.listening(), "users": before["users"]} == before


def test_the_same_is_counted_with_the_declared_index(history: HistoryStore, panels: Panels) -> None:
    without = panels.listening()
    history.plays.create_index([("timestamp", -1)], name="newest")
    assert panels.listening() == without


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [("2019-12-31", "2020-01-01", ["2019-12", "2020-01"]), ("2020-05-01", "2020-05-31", ["2020-05"])],
)
def test_months_are_counted_over_the_end_of_a_year(first: str, last: str, months: list[str]) -> None:
    assert months_between(datetime.fromisoformat(first), datetime.fromisoformat(last)) == months


@pytest.mark.usefixtures("history")
def test_artists_and_genres_are_ranked_by_plays(panels: Panels) -> None:
    assert panels.top() == {
        "artists": [{"name": "Band", "plays": 3}],
        "genres": [{"name": "rock", "plays": 3}, {"name": "pop", "plays": 2}],
    }


@pytest.mark.usefixtures("history")
def test_features_are_counted_by_steps_and_what_is_beyond_is_in_the_last(panels: Panels) -> None:
    told = {feature["name"]: feature for feature in panels.features()["features"]}
    filled = {
        name: [number for number, step in enumerate(told[name]["bins"]) if step["tracks"]]
        for name in ("energy", "tempo", "loudness", "danceability", "valence")
    }
    assert filled == {"energy": [6], "tempo": [19], "loudness": [15], "danceability": [19], "valence": []}
    assert told["energy"]["mean"] == 0.31
    assert told["energy"]["bins"][6]["plays"] == 2


@pytest.mark.usefixtures("history")
def test_coverage_and_what_is_due_is_told_by_kind(panels: Panels) -> None:
    audio = panels.enrichment()["kinds"][0]
    assert (audio["kind"], audio["of"], audio["total"], audio["due"]) == ("audio_features", "tracks", 2, 1)
    assert audio["by_status"] == {"enriched": 1, "pending": 1}
    assert audio["by_provider"] == {"spotify": 1}


@pytest.mark.usefixtures("history")
def test_calls_and_a_stop_are_those_that_redis_knows(panels: Panels, redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client)
    for _ in range(3):
        limiter.permit("spotify", Limits(calls_per_30s=100, calls_per_24h=600))
    limiter.stop("spotify", 60)
    told = panels.enrichment()
    assert told["calls"][0] == {"service": "spotify", "used_24h": 3, "budget_24h": 600}
    (stop,) = told["cool_downs"]
    left = datetime.fromisoformat(stop["until"]) - datetime.now(UTC)
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)


@pytest.mark.usefixtures("history")
def test_the_latest_proof_of_each_month_is_shown(panels: Panels, connection: psycopg.Connection[Any]) -> None:
    connection.execute(RUN)
    for month, documents, rows, state, at in (
        ("2026-03-01", 2, 1, "differs", "2026-06-01"),
        ("2026-03-01", 2, 2, "repaired", "2026-06-02"),
        ("2026-05-01", 1, 0, "differs", "2026-06-02"),
    ):
        connection.execute("delete from echotune.reconciliations where month = %s", [month])
        connection.execute(PROOF, ["listening_history", month, documents, rows, state, at])
    told = panels.sync()
    assert told["months"] == [
        {"month": "2026-03", "state": "repaired", "documents": 2, "rows": 2},
        {"month": "2026-05", "state": "differs", "documents": 1, "rows": 0},
    ]
    assert told["tables"] == [{"table": "listening_history", "state": "differs", "documents": 3, "rows": 2}]


@pytest.mark.usefixtures("history")
def test_plays_that_changed_since_the_last_sync_wait(panels: Panels, connection: psycopg.Connection[Any]) -> None:
    connection.execute(RUN)
    connection.execute(PROOF, ["listening_history", None, 3, 3, "equal", "2026-06-01"])
    connection.execute(
        "insert into echotune.watermarks (table_name, through) values ('listening_history', '2026-03-02 12:30Z')"
    )
    assert panels.sync()["waiting"] == 2
    supabase = panels.flow()["steps"][-1]
    assert (supabase["count"], supabase["waiting_text"]) == (0, "2 changed plays")


def test_rejected_rows_are_paged_without_their_text(store: HistoryStore, panels: Panels) -> None:
    for row in range(3):
        at = datetime(2026, 1, 1 + row, tzinfo=UTC)
        store.rejected_rows.insert_one(
            {
                "source": {"file": "h.csv", "row": row}, "row": row, "column": "ts_x", "reason": "is no time",
                "raw": "10.0.0.1,personal", "updated_at": at,
            }
        )  # fmt: skip
    told = panels.rejected("mongodb", 1, 1)
    assert told["total"] == 3
    row_1 = {"file": "h.csv", "row": 1, "column": "ts_x", "reason": "is no time", "at": "2026-01-02T00:00:00+00:00"}
    assert told["rows"] == [row_1]


def test_documents_that_do_not_fit_are_paged(panels: Panels, connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "insert into echotune.rejected_documents (table_name, document_id, row_id, reason)"
        " values ('tracks', 'x', gen_random_uuid(), 'no name')"
    )
    told = panels.rejected("supabase", 0, 10)
    assert (told["total"], told["rows"][0]["reason"]) == (1, "no name")


def test_the_last_report_of_maintenance_is_shown(store: HistoryStore, panels: Panels) -> None:
    size = {"data": 100, "data_on_disk": 50, "indexes": 10, "indexes_on_disk": 5}
    step = {"system": "mongodb", "place": "plays", "name": "mood", "reason": "r", "detail": "", "seconds": 0.0}
    store.maintenance_runs.insert_one(
        {
            "_id": "run", "finished_at": datetime(2026, 1, 1, tzinfo=UTC), "plans": {"mongodb": "atlas-m0"},
            "results": [
                {**step, "action": "create", "outcome": "done"}, {**step, "action": "leave", "outcome": "done"},
            ],
            "storage": {
                "mongodb": {
                    "used": 110, "counts": "data", "limit": 1000, "level": "fine", "growth_a_month": None,
                    "months_left": None, "archiving_frees": None,
                    "places": [{"place": "plays", "rows": 3, **size}],
                }
            },
        }
    )  # fmt: skip
    told = panels.maintenance()
    assert [(one["finding"], one["outcome"]) for one in told["indexes"]] == [("missing", "done")]
    assert told["declared"] == {"MongoDB": 1, "PostgreSQL": 0}
    (storage,) = told["storage"]
    assert (storage["system"], storage["plan"], storage["used_bytes"]) == ("MongoDB", "atlas-m0", 110)
    assert storage["places"] == [{"place": "plays", "rows": 3, "bytes": 110}]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_of_empty_databases_says_which_dag_to_run(panels: Panels, panel: str) -> None:
    answer = find(getattr(panels, panel))
    assert answer.state is State.EMPTY
    assert answer.reason is not None
    assert ": run " in answer.reason


def test_a_postgresql_without_the_schema_is_empty_not_broken(
    panels: Panels, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], empty_supabase: str
) -> None:
    know(monkeypatch, {**settings, "DATABASE_URL": empty_supabase})
    answer = find(panels.sync)
    assert answer.state is State.EMPTY
    assert "mongo_to_supabase_sync" in str(answer.reason)


@pytest.mark.parametrize("panel", PANELS)
def test_a_database_that_is_away_is_told_soon_and_without_its_secrets(
    panels: Panels, monkeypatch: pytest.MonkeyPatch, nothing_there: dict[str, str], panel: str
) -> None:
    know(monkeypatch, nothing_there)
    begun = time.monotonic()
    answer = find(getattr(Panels(Databases()), panel))
    assert time.monotonic() - begun < 5
    assert answer.state is State.UNAVAILABLE
    assert ("MONGODB_URI" if panel != "sync" else "DATABASE_URL") in str(answer.reason)
    assert "a-secret" not in str(answer)
    assert panels


@pytest.mark.usefixtures("history")
def test_with_one_database_away_the_rest_of_the_flow_lives(
    panels: Panels, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], nothing_there: dict[str, str]
) -> None:
    know(monkeypatch, {**settings, "DATABASE_URL": nothing_there["DATABASE_URL"]})
    states = {step["key"]: step["state"] for step in panels.flow()["steps"]}
    assert states.pop("supabase") == "unavailable"
    assert set(states.values()) == {"never"}


@pytest.mark.usefixtures("history")
def test_without_redis_the_calls_are_those_that_workers_recorded(
    panels: Panels, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], nothing_there: dict[str, str],
    store: HistoryStore,
) -> None:  # fmt: skip
    know(monkeypatch, {**settings, "REDIS_URL": nothing_there["REDIS_URL"]})
    worker = {"kind": "worker", "calls": {"spotify": 7}, "updated_at": datetime.now(UTC), "go_on_at": None}
    store.enrichment_runs.insert_one({"_id": "w", **worker})
    told = panels.enrichment()
    assert told["calls"][0]["used_24h"] == 7
    assert "REDIS_URL" in told["note"]
