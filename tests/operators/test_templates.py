"""What came from files and databases is never run as a template: it may say what it likes."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from echotune.resources import PROJECT

TEMPLATE = "{{ conn.echotune_mongo.password }}{{ 6 * 7 }}"
CHUNKS = [{"chunk": {"file": f"{TEMPLATE}.csv", "first_row": 1}, "file_rows": 1}]


@pytest.fixture(scope="module")
def dagbag() -> DagBag:
    return DagBag(PROJECT / "dags")


class Returned:
    """What an upstream task returned, without a database to keep it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def resolve(self, _: Any) -> Any:
        return self.value


def test_the_name_of_a_file_is_no_template(dagbag: DagBag) -> None:
    task: Any = dagbag.dags["csv_backfill"].task_dict["load_chunks"]
    object.__setattr__(task.expand_input, "value", Returned([{"chunks": CHUNKS}]))
    context: dict[str, Any] = {
        "dag": dagbag.dags["csv_backfill"],
        "params": dagbag.dags["csv_backfill"].params.dump(),
        "dag_run": SimpleNamespace(run_after="", conf={}),
        "ti": SimpleNamespace(map_index=0),
        "task": task,
    }
    task.render_template_fields(context)
    assert context["task"].chunks == CHUNKS


def test_no_mapped_task_has_a_template_of_what_an_upstream_task_returned(dagbag: DagBag) -> None:
    """Airflow renders the values of ``expand_kwargs`` that are template fields; those of ``expand`` it leaves alone."""
    tasks: list[Any] = [task for dag in dagbag.dags.values() for task in dag.tasks]
    mapped = [task for task in tasks if task.is_mapped and task.expand_input.EXPAND_INPUT_TYPE == "list-of-dicts"]
    assert len(mapped) > 3
    assert {task.task_id: _returned(task) & {*task.template_fields} for task in mapped} == {
        task.task_id: set() for task in mapped
    }


def _returned(task: Any) -> set[str]:
    """The arguments that only an upstream task can give."""
    arguments = inspect.signature(task.operator_class.__init__).parameters.values()
    needed = {one.name for one in arguments if one.default is one.empty and one.kind is one.KEYWORD_ONLY}
    return needed - {*task.partial_kwargs}
