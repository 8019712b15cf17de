"""The end of a run, told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk import Context


def tell(operator: BaseOperator, summary: dict[str, Any], context: Context) -> dict[str, Any]:
    """Log a summary, and fail where it has problems; it is kept before: what was done is as good as it is."""
    for line in summary["text"]:
        operator.log.info("%s", line)
    if summary["problems"]:
        context["ti"].xcom_push(key="return_value", value=summary)
        raise AirflowFailException("; ".join(summary["problems"]))
    return summary
