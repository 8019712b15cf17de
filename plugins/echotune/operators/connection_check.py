"""Looks at every system from where the tasks run, with the connections that the other DAGs use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSkipException,
)

from echotune.names import MONGO_CONNECTION, REDIS_CONNECTION, SPOTIFY_CONNECTION, SUPABASE_CONNECTION
from echotune.operators.failing import failed_tasks
from echotune.operators.mapped import pull_mapped
from echotune.operators.telling import tell
from echotune.run_summary import left_in_summary

if TYPE_CHECKING:
    from airflow.sdk import Context

    from echotune.connection_checks.report import Report

SYSTEMS = ("MongoDB", "PostgreSQL", "Redis", "Spotify", "ReccoBeats")
REPORT = "report"
"""The XCom in which a check leaves what it found, also when it fails."""


class ChooseSystemsOperator(BaseOperator):
    """Returns the systems to look at.

    :param systems: their names, one a line
    """

    template_fields: Sequence[str] = ("systems",)

    def __init__(self, *, systems: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.systems = systems

    def execute(self, context: Context) -> list[str]:
        chosen = self.systems.split()
        if unknown := set(chosen) - set(SYSTEMS):
            raise AirflowFailException(f"systems names {', '.join(sorted(unknown))}: choose of {', '.join(SYSTEMS)}")
        return chosen


class CheckConnectionOperator(BaseOperator):
    """Checks one system; fails where it cannot be used, and is skipped where it is not set up.

    Returns what was found: version, TLS, rights, timing, warnings.

    :param system: one of ``SYSTEMS``
    """

    template_fields: Sequence[str] = (
        "system",
        "mongo_conn_id",
        "supabase_conn_id",
        "redis_conn_id",
        "spotify_conn_id",
    )

    def __init__(
        self,
        *,
        system: str,
        mongo_conn_id: str = MONGO_CONNECTION,
        supabase_conn_id: str = SUPABASE_CONNECTION,
        redis_conn_id: str = REDIS_CONNECTION,
        spotify_conn_id: str = SPOTIFY_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.system = system
        self.mongo_conn_id = mongo_conn_id
        self.supabase_conn_id = supabase_conn_id
        self.redis_conn_id = redis_conn_id
        self.spotify_conn_id = spotify_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        checks = {
            "MongoDB": self._mongodb,
            "PostgreSQL": self._postgresql,
            "Redis": self._redis,
            "Spotify": self._spotify,
            "ReccoBeats": self._reccobeats,
        }
        report = self._checked(checks[self.system])
        found = report.as_document()
        context["ti"].xcom_push(key=REPORT, value=found)
        for line in report.lines:
            self.log.info("%s", line)
        if not report.configured:
            raise AirflowSkipException(report.lines[0])
        if report.problems:
            raise AirflowFailException(f"{self.system}: {' '.join(report.problems)}")
        return found

    def _checked(self, check: Callable[[], Report]) -> Report:
        from echotune.connection_checks.report import Report

        try:
            return check()
        except AirflowNotFoundException as error:
            return Report(system=self.system, setting=str(error), configured=False)
        except AirflowException as error:
            return Report(system=self.system, setting="", problems=(str(error),))

    def _mongodb(self) -> Report:
        from echotune.connection_checks.mongodb import check_mongodb
        from echotune.hooks.mongo import HistoryMongoHook

        hook = HistoryMongoHook(self.mongo_conn_id)
        hook.extras.setdefault("serverSelectionTimeoutMS", 5000)
        return check_mongodb(hook.get_conn, hook.get_store().database.name)

    def _postgresql(self) -> Report:
        from echotune.connection_checks.postgresql import check_postgresql
        from echotune.hooks.supabase import SupabaseHook

        return check_postgresql(SupabaseHook(self.supabase_conn_id).get_conn)

    def _redis(self) -> Report:
        from echotune.connection_checks.redis_server import check_redis
        from echotune.hooks.redis import SharedRedisHook

        return check_redis(SharedRedisHook(self.redis_conn_id).get_client)

    def _spotify(self) -> Report:
        from echotune.connection_checks.report import Report
        from echotune.connection_checks.spotify import SPOTIFY_SETTING, check_spotify
        from echotune.enrichment.errors import EnrichmentError
        from echotune.hooks.spotify import SpotifyHook

        hook = SpotifyHook(self.spotify_conn_id)
        if not hook.is_configured:
            return Report(system=self.system, setting=SPOTIFY_SETTING, configured=False)
        try:
            return check_spotify(hook.get_client())
        except EnrichmentError as error:
            return Report(system=self.system, setting=SPOTIFY_SETTING, problems=(str(error),))

    def _reccobeats(self) -> Report:
        from echotune.connection_checks.spotify import check_reccobeats
        from echotune.hooks.spotify import SpotifyHook

        return check_reccobeats(SpotifyHook(self.spotify_conn_id).get_reccobeats_client())


class SummariseChecksOperator(BaseOperator):
    """Tells what every check found, and fails where a system cannot be used.

    :param check_task_id: the checks
    """

    def __init__(self, *, check_task_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check_task_id = check_task_id

    def execute(self, context: Context) -> dict[str, Any]:
        found = pull_mapped(context, self.check_task_id, key=REPORT)
        problems = [f"{one['system']}: {problem}" for one in found for problem in one["problems"]]
        if not found and failed_tasks(context):
            problems = [f"{self.check_task_id} failed, see the end of its log"]
        warnings = [f"{one['system']}: {warning}" for one in found for warning in one["warnings"]]
        summary = {
            "text": [line for one in found for line in one["text"]],
            **left_in_summary([(len(warnings), " ".join(warnings))]),
            "systems": {one["system"]: _outcome(one) for one in found},
            "problems": problems,
        }
        return tell(self, summary, context)


def _outcome(found: dict[str, Any]) -> str:
    if not found["configured"]:
        return "not set up"
    return "failed" if found["problems"] else "works"
