"""What a person names as source, target or table is opened in the deployment's folders only, whatever way leads out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException

from echotune.names import MONGO_CONNECTION
from echotune.operators.csv_backfill import InspectHistoryOperator
from echotune.operators.history_path import FOLDERS_VARIABLE, archive_path, history_path
from tests.support.rows import row, write_csv

SECRET = "hunter2-of-the-machine"
SETTINGS = {"dry_run": True}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the deployment opens, beside others with a secret."""
    opened = tmp_path / "data"
    for other in (opened, tmp_path / "data-of-others", tmp_path / "home"):
        other.mkdir()
        (other / "secret.csv").write_text(SECRET, encoding="utf-8")
    write_csv(opened / "history.csv", [row()])
    (opened / "link.csv").symlink_to(tmp_path / "home" / "secret.csv")
    (opened / "linked").symlink_to(tmp_path / "home")
    monkeypatch.setenv(FOLDERS_VARIABLE, f"{opened}:{tmp_path / 'archive'}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv(
        f"AIRFLOW_CONN_{MONGO_CONNECTION.upper()}", json.dumps({"conn_type": "mongo", "host": "nowhere.invalid"})
    )
    return opened


@pytest.mark.parametrize("way", ["{}", "file://{}", "{}/../data"])
def test_what_is_in_a_folder_that_is_open_is_opened(folder: Path, way: str) -> None:
    for opened in (history_path, archive_path):
        assert Path(str(opened(way.format(folder)))).resolve() == folder
    archive = folder.parent / "archive" / "user=x" / "plays.parquet"
    assert archive_path(str(archive)) == archive


@pytest.mark.parametrize(
    "address",
    [
        "/etc/passwd",
        "/",
        "dags",
        "include/certificates",
        "~/secret.csv",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "local:///etc/passwd",
        "{}/../home/secret.csv",
        "{}-of-others/secret.csv",
        "{}/link.csv",
        "{}/linked/secret.csv",
        "file://{}/linked/new/plays.parquet",
    ],
)
def test_what_lies_outside_is_not(folder: Path, address: str) -> None:
    for opened in (history_path, archive_path):
        with pytest.raises(AirflowFailException, match=f"lies outside .* {folder} and .* {FOLDERS_VARIABLE}"):
            opened(address.format(folder))


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1/", "simplecache::file:///etc/passwd", "dir:///etc", "nothing://x", "~nobody-here/x", "a\0b"],
)
@pytest.mark.filterwarnings("ignore:UPath")
def test_an_address_that_nothing_opens_fails_at_once(folder: Path, address: str) -> None:
    with pytest.raises(AirflowFailException, match="cannot be opened"):
        history_path(address)


def test_without_the_variable_a_person_loads_from_anywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDERS_VARIABLE)
    assert history_path("~/secret.csv") == folder.parent / "home" / "secret.csv"


@pytest.mark.parametrize("source", ["{}", "{}/*.csv", "{}/l*.csv", "{}/*/secret.csv", "{}/linked/secret.csv"])
def test_a_load_opens_no_link_that_leads_out(folder: Path, source: str) -> None:
    (folder / "secret.csv").unlink()
    operator = InspectHistoryOperator(task_id="preflight", source=source.format(folder), settings=SETTINGS)
    with pytest.raises(AirflowFailException, match="lies outside") as refused:
        operator.execute({})
    assert SECRET not in str(refused.value)
