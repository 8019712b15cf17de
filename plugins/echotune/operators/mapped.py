"""What the instances of a mapped task told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.xcom import BaseXCom

if TYPE_CHECKING:
    from airflow.sdk import Context

REMOVED = "removed"


def pull_mapped(context: Context, task_id: str, *, key: str = BaseXCom.XCOM_RETURN_KEY) -> list[Any]:
    """What the instances of a mapped task pushed, in their order, without those that pushed nothing.

    Where a task is cleared and then returns fewer arguments, Airflow takes the superfluous instances out of the run
    and keeps what they pushed, and ``output`` of the mapped task has it too: whoever adds up would count it again.
    """
    task, run = context["ti"], context["run_id"]
    states = task.get_task_states(dag_id=task.dag_id, task_ids=[task_id], run_ids=[run]).get(run, {})
    mapped = {int(name.removeprefix(f"{task_id}_")): state for name, state in states.items() if name != task_id}
    indexes = sorted(index for index, state in mapped.items() if state != REMOVED)
    pushed = task.xcom_pull(task_ids=task_id, key=key, map_indexes=indexes) if indexes else []
    return [one for one in pushed if one is not None]
