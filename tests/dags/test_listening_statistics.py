"""listening_statistics through a real scheduler: from an export in its ZIP to the tables for a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from echotune.history.store import HistoryStore
from local.airflow_api import AirflowApi
from tests.support.dag_runs import log_of, run_to_the_end, summary_of, switched_on
from tests.support.exports import history_zip, record

BACKFILL = "csv_backfill"
DAG = "listening_statistics"


@pytest.fixture(scope="module", autouse=True)
def _only_runs_of_these_tests(api: AirflowApi) -> Iterator[None]:
    with switched_on(api, DAG):
        yield


def test_a_zip_becomes_statistics_and_tables(api: AirflowApi, store: HistoryStore, tmp_path: Path) -> None:
    days = [record(ts=f"2017-04-{day:02}T22:30:00Z") for day in range(1, 11)]
    source = history_zip(tmp_path / "my_spotify_data.zip", days[:6], days[6:])
    state, load = run_to_the_end(api, BACKFILL, source=str(source), username="anna")
    assert state == "success"
    assert summary_of(api, load)["counts"]["inserted"] == len(days)
    target = str(tmp_path / "features")
    state, run = run_to_the_end(api, DAG, time_zone="Europe/Amsterdam", time_zones={"bert": "UTC"}, target=target)
    assert state == "success"
    told = summary_of(api, run)
    assert told["counts"]["plays"] == len(days)
    statistics = store.listening_statistics.find_one({"_id": "anna"})
    assert statistics is not None
    assert statistics["streaks"]["longest"] == {"days": 10, "first_day": "2017-04-02", "last_day": "2017-04-11"}
    assert pq.read_table(f"{target}/tracks.parquet").to_pylist()[0]["plays"] == len(days)


def test_a_zone_that_does_not_exist_is_named_at_once(api: AirflowApi, store: HistoryStore) -> None:
    state, run = run_to_the_end(api, DAG, time_zone="Mars/Olympus")
    assert state == "failed"
    assert "time_zone: 'Mars/Olympus' is no time zone" in log_of(api, run, "refresh_statistics")
