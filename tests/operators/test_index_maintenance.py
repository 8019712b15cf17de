"""Tasks of a maintenance run whose database is down: one line each, and the report tells it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from echotune.operators.index_maintenance import MaintainMongoIndexesOperator, MaintainPostgresIndexesOperator
from echotune.operators.storage import MeasureMongoStorageOperator, MeasurePostgresStorageOperator
from local import ports

Operator = (
    MaintainMongoIndexesOperator
    | MaintainPostgresIndexesOperator
    | MeasureMongoStorageOperator
    | MeasurePostgresStorageOperator
)


class RunningTask:
    """What a task tells Airflow."""

    task_id = "this"

    def __init__(self) -> None:
        self.returned: dict[str, Any] = {}

    def xcom_push(self, *, key: str, value: Any) -> None:
        """Keep a value."""
        self.returned[key] = value


def operators() -> list[Operator]:
    return [
        MaintainMongoIndexesOperator(task_id="maintain_mongodb", settings={}),
        MaintainPostgresIndexesOperator(task_id="maintain_postgresql", settings={}),
        MeasureMongoStorageOperator(task_id="measure_mongodb", storage={}),
        MeasurePostgresStorageOperator(task_id="measure_postgresql", storage={}),
    ]


@pytest.fixture
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections to addresses where nothing is."""
    address = {"host": "127.0.0.1", "port": ports.free_port(), "login": "someone", "password": "hush", "schema": "x"}
    extra = {"serverSelectionTimeoutMS": 100}
    monkeypatch.setenv("AIRFLOW_CONN_ECHOTUNE_MONGO", json.dumps({"conn_type": "mongo", "extra": extra} | address))
    monkeypatch.setenv("AIRFLOW_CONN_ECHOTUNE_SUPABASE", json.dumps({"conn_type": "postgres"} | address))


@pytest.mark.usefixtures("_nowhere")
@pytest.mark.parametrize("operator", operators(), ids=lambda operator: operator.task_id)
def test_a_database_that_is_down_fails_its_task_with_one_line_that_the_report_gets_and_is_tried_again(
    operator: Operator,
) -> None:
    task = RunningTask()
    with pytest.raises(AirflowException) as failure:
        operator.execute({"ti": task})  # type: ignore[typeddict-item]
    line = str(failure.value)
    assert not isinstance(failure.value, AirflowFailException)
    assert line.startswith(("MongoDB: ", "PostgreSQL: "))
    assert "refused" in line
    assert not {"\n", "hush", "Topology"} & {part for part in ("\n", "hush", "Topology") if part in line}
    assert task.returned["return_value"] == {"problem": line, "task": "this"}


@pytest.mark.usefixtures("_nowhere")
@pytest.mark.parametrize(
    ("operator", "line"),
    [
        (MaintainMongoIndexesOperator(task_id="a", settings={"hide_after_days": "soon"}), "hide_after_days"),
        (MeasurePostgresStorageOperator(task_id="b", storage={"postgresql_plan": "huge"}), "postgresql_plan is 'huge'"),
    ],
)
def test_a_setting_that_cannot_be_meant_fails_at_once_and_is_named(operator: Operator, line: str) -> None:
    task = RunningTask()
    with pytest.raises(AirflowFailException, match=line):
        operator.execute({"ti": task})  # type: ignore[typeddict-item]
    assert line in task.returned["return_value"]["problem"]
