"""What the steps of a maintenance run share: one clear line where a task fails, which the report tells too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException

if TYPE_CHECKING:
    from airflow.sdk import Context


@contextmanager
def told_to_the_report(context: Context, system: str) -> Iterator[None]:
    """Fail a task with one line and leave that line to the report.

    A wrong setting or a missing connection fails at once; a database that cannot be reached is tried again.

    :param system: what a person calls the database
    """
    import psycopg
    from pymongo.errors import ConnectionFailure, PyMongoError

    from echotune.indexes.settings import IndexesError
    from echotune.storage.errors import StorageError, one_line

    try:
        yield
    except (IndexesError, StorageError, AirflowNotFoundException) as error:
        raise _told(context, AirflowFailException(str(error))) from None
    except (ConnectionFailure, psycopg.OperationalError) as error:
        raise _told(context, AirflowException(f"{system}: {one_line(error)}")) from None
    except (PyMongoError, psycopg.Error) as error:
        raise _told(context, AirflowException(f"{system}: {one_line(error)}")) from error


def _told(context: Context, failure: AirflowException) -> AirflowException:
    task: Any = context["ti"]
    task.xcom_push(key="return_value", value={"problem": str(failure), "task": task.task_id})
    return failure
