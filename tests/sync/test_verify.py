"""What is found when both sides are compared, and what that costs."""

from __future__ import annotations

from typing import Any, LiteralString

import pytest
from psycopg import Connection
from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from echotune.history.store import HistoryStore
from echotune.reconciliation import NotReconciled
from echotune.sync.reconciliations import State
from echotune.sync.source import SyncSource
from echotune.sync.tables import TABLES
from echotune.sync.verify import Verifier
from tests.support.both_sides import synced_rows
from tests.support.proving import DAMAGES, later, prove, synced_history
from tests.support.syncing import artist, changed, play, rows_of, spotify_id, sync_all, track

WRITTEN_ROWS: LiteralString = """
select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables
where relname not in ('reconciliations', 'sync_runs')
"""


def found_to_differ(connection: Connection[Any], store: HistoryStore, *, use_revisions: bool = False) -> list[str]:
    comparisons = Verifier(connection, SyncSource(store), TABLES, use_revisions=use_revisions).verify()
    return sorted(str(comparison) for comparison in comparisons if not comparison.equal)


def rejected(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return rows_of(connection, "echotune.rejected_documents", ["table_name", "document_id"])


def test_a_history_that_was_synced_is_equal(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    report = prove(supabase, store)
    rows = {str(comparison): comparison.rows.rows for comparison, _ in report.states}
    assert {state for _, state in report.states} == {State.EQUAL}
    assert rows["listening_history 2021-12"] == 3
    assert rows["track_artists"] == 6
    assert sum(number for name, number in rows.items() if name.startswith("listening_history")) == 20


def test_two_empty_databases_are_equal(supabase: Connection[Any], store: HistoryStore) -> None:
    assert found_to_differ(supabase, store) == []
    prove(supabase, store)


def test_a_difference_is_found_and_told_by_table_and_month(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    prove(supabase, store)
    for damage, places in DAMAGES.items():
        with supabase.transaction(force_rollback=True):
            supabase.execute(damage)
            assert found_to_differ(supabase, store) == places, damage
            assert found_to_differ(supabase, store, use_revisions=True) == places, damage


def test_a_user_name_without_its_row_is_found_and_other_users_are_the_applications(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    supabase.execute("insert into users (username) values ('signed up'); update users set username = 'renamed'")
    supabase.execute("insert into users (spotify_user_id) values ('gone in MongoDB')")
    assert found_to_differ(supabase, store) == []
    store.plays.insert_one(play(30, username="new"))
    assert found_to_differ(supabase, store) == ["listening_history 2022-08", "users"]


def test_a_change_that_no_sync_has_copied_yet_is_found(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    prove(supabase, store)
    store.tracks.replace_one({"_id": spotify_id(1)}, later(track(1), popularity=99))
    assert found_to_differ(supabase, store, use_revisions=True) == ["tracks"]


def test_rejected_documents_are_no_difference_and_forgotten_with_their_document(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    unfit = changed(play(1), listening={"ms_played": 1 << 40})
    store.plays.replace_one({"_id": unfit["_id"]}, unfit)
    store.plays.insert_one({"_id": 5, "timestamp": "never"})
    store.artists.insert_one(artist(9, name={"of": "an object"}))
    sync_all(supabase, store)
    prove(supabase, store)
    assert len(rejected(supabase)) == 3

    store.plays.delete_many({"_id": {"$in": [unfit["_id"], 5]}})
    store.artists.delete_one({"_id": spotify_id(9)})
    assert found_to_differ(supabase, store, use_revisions=True) == ["listening_history 2021-12"]
    assert rejected(supabase) == []


def test_a_document_that_postgresql_refuses_is_no_difference(supabase: Connection[Any], store: HistoryStore) -> None:
    supabase.execute("alter table artists add constraint no_nine check (name <> 'Artist 9')")
    synced_history(supabase, store)
    store.artists.insert_one(artist(9))
    sync_all(supabase, store)
    assert [table for table, _ in rejected(supabase)] == ["artists"]
    assert found_to_differ(supabase, store) == []


def test_a_rejected_document_that_fits_meanwhile_is_a_difference(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    store.artists.insert_one(artist(9, name={"of": "an object"}))
    sync_all(supabase, store)
    store.artists.update_one({"_id": spotify_id(9)}, {"$set": {"name": "Artist 9"}})
    assert found_to_differ(supabase, store) == ["artists"]
    prove(supabase, store, verify_only=False, full_refresh=True)
    assert rejected(supabase) == []
    assert found_to_differ(supabase, store) == []


class Pipelines(CommandListener):
    """Notes the pipelines that a client sends."""

    def __init__(self) -> None:
        self.stages: list[set[str]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "aggregate":
            self.stages.append({name for stage in event.command["pipeline"] for name in stage})

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


def test_nothing_new_is_proved_without_reading_documents_or_writing_rows(
    supabase: Connection[Any], store: HistoryStore, mongodb_uri: str
) -> None:
    synced_history(supabase, store)
    prove(supabase, store)
    pipelines = Pipelines()
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[pipelines]) as client:
        before = written_rows(supabase)
        report = prove(supabase, HistoryStore.of(client[store.database.name]))
        assert written_rows(supabase) == before
    assert {state for _, state in report.states} == {State.EQUAL}
    assert pipelines.stages
    assert not [stages for stages in pipelines.stages if "$project" in stages]


def written_rows(connection: Connection[Any]) -> int:
    connection.execute("select pg_stat_force_next_flush()")
    row = connection.execute(WRITTEN_ROWS).fetchone()
    assert row is not None
    return int(row[0])


def test_one_changed_month_is_read_and_the_others_are_not(
    supabase: Connection[Any], store: HistoryStore, mongodb_uri: str
) -> None:
    synced_history(supabase, store)
    prove(supabase, store)
    store.plays.replace_one({"_id": play(1)["_id"]}, later(play(1), listening={"ms_played": 7}))
    sync_all(supabase, store)
    pipelines = Pipelines()
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[pipelines]) as client:
        prove(supabase, HistoryStore.of(client[store.database.name]))
    assert sum("$project" in stages for stages in pipelines.stages) == 1


def test_verify_only_reads_what_was_proved_before_and_changes_nothing(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    prove(supabase, store)
    # As somebody may do by hand: the time of change stays.
    store.plays.update_one({"_id": play(1)["_id"]}, {"$set": {"user.country": "SE"}})
    store.tracks.delete_one({"_id": spotify_id(2)})
    before = synced_rows(supabase, placeholders=True)
    prove(supabase, store, tables="listening_history")
    with pytest.raises(NotReconciled, match=r"listening_history 2021-12 \(3 rows on both sides, with other values\)"):
        prove(supabase, store, verify_only=True)
    assert synced_rows(supabase, placeholders=True) == before


def test_every_comparison_is_kept_with_its_state(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    supabase.execute("update albums set name = 'Other'")
    prove(supabase, store)
    kept = rows_of(supabase, "echotune.reconciliations", ["table_name", "month", "documents", "rows", "state"])
    assert ("albums", None, 1, 1, "repaired") in kept
    assert len(kept) == len(TABLES) - 1 + 7
    assert {state for *_, state in kept} == {"equal", "repaired"}
