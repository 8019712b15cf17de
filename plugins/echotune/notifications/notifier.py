"""The notifier of runs. Every DAG has it: as its callback for failures and for successes.

Airflow runs a DAG's callbacks in the dag-processor, after the run has ended: there it can read connections, XComs and
the states of tasks, and has some ten seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseNotifier
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
from airflow.sdk.log import redact  # type: ignore[attr-defined]

from echotune.names import NOTIFICATIONS_CONNECTION
from echotune.notifications.errors import NotSent
from echotune.notifications.notice import FailedTask, Notice
from echotune.notifications.wording import error_line, without_personal_data
from echotune.operators.failing import failed_tasks
from echotune.run_pages import address_of, run_page
from echotune.run_summary import SUMMARY_TASK, RunSummary

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

ERROR = "error"
"""The XCom in which a failed task keeps the first line of its error."""
WEBHOOK_TYPES = frozenset({"http", "https", "generic"})
"""``generic`` is what Airflow's form offers where the provider for HTTP is not installed."""
MOST_ERRORS = 3
"""Different errors of one mapped task that are told."""


class RunNotifier(BaseNotifier):
    """Tells of a run that failed, or that ended with work left: always in a log line, and where a connection says.

    The connection's type decides: ``smtp`` sends a mail, ``http`` (or ``generic``) posts JSON to a webhook;
    without it, the log is all.
    A notice that cannot be sent is logged.

    :param notifications_conn_id: the Airflow connection
    """

    template_fields: Sequence[str] = ("notifications_conn_id",)

    def __init__(self, *, notifications_conn_id: str = NOTIFICATIONS_CONNECTION) -> None:
        super().__init__()
        self.notifications_conn_id = notifications_conn_id

    def notify(self, context: Context) -> None:
        notice = notice_of(context)
        if notice.state == "success" and not notice.summary.left:
            return
        log.warning("%s See %s", notice.headline, notice.url)
        try:
            self._send(notice)
        except (NotSent, AirflowException) as error:
            log.error("This could not be told: %s", _masked(str(error)))

    def _send(self, notice: Notice) -> None:
        # Imported here: a DAG file that imports this module is parsed in no time.
        from echotune.notifications.mail import send_mail  # noqa: PLC0415
        from echotune.notifications.webhook import post_notice  # noqa: PLC0415

        try:
            connection = BaseHook.get_connection(self.notifications_conn_id)
        except AirflowNotFoundException:
            return
        if connection.conn_type == "smtp":
            send_mail(self.notifications_conn_id, notice)
        elif connection.conn_type in WEBHOOK_TYPES:
            post_notice(connection, notice)
        else:
            raise NotSent(
                f"the connection {self.notifications_conn_id} is of type {connection.conn_type}: make it smtp or http"
            )


def remember_error(context: Context) -> None:
    """Keep the first line of a failed task's error where the notifier of its run finds it.

    Every task has it as its callback for failures. It runs in the task's own process, which knows the error and the
    secrets in it. Where that was killed, the dag-processor calls it, and there is no error.
    """
    error = context.get("exception")
    if error is not None:
        task: Any = context["ti"]
        task.xcom_push(key=ERROR, value=_masked(without_personal_data(error_line(error))))


def notice_of(context: Context) -> Notice:
    """What is to be told of the run whose callback this is."""
    dag_id, run_id = context["dag"].dag_id, context["run_id"]
    succeeded = context.get("reason") == "success"
    return Notice(
        dag_id=dag_id,
        run_id=run_id,
        state="success" if succeeded else "failed",
        failed=() if succeeded else _failed_tasks(context),
        summary=_summary(context),
        url=address_of(run_page(dag_id, run_id)),
    )


def _summary(context: Context) -> RunSummary:
    task: Any = context.get("ti")
    return RunSummary.of(redact(task.xcom_pull(task_ids=SUMMARY_TASK)) if task else None)


def _failed_tasks(context: Context) -> tuple[FailedTask, ...]:
    task: Any = context.get("ti")
    if not task:
        # Airflow knows no task by which the run failed: it ran out of time, or was failed by hand.
        return ()
    names = failed_tasks(context)
    # A summary fails because others did, and repeats their errors.
    told = [name for name in names if name != SUMMARY_TASK] or names
    return tuple(
        FailedTask(task_id=name, error=_told_errors(task.xcom_pull(task_ids=name, key=ERROR))) for name in told
    )


def _told_errors(pulled: str | Sequence[str] | None) -> str | None:
    """The errors of a task, or of the instances of a mapped one, each once."""
    errors = [pulled] if isinstance(pulled, str) else list(dict.fromkeys(pulled or ()))
    more = [f"and {len(errors) - MOST_ERRORS} other errors"] if len(errors) > MOST_ERRORS else []
    return "; ".join([*errors[:MOST_ERRORS], *more]) or None


def _masked(text: str) -> str:
    """The text without the secrets that this process knows of."""
    return str(redact(text))
