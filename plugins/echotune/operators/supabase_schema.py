"""The operator that brings PostgreSQL's schema up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from echotune.names import SUPABASE_CONNECTION
from echotune.operators.arguments import is_on
from echotune.operators.failing import fail_at_once_on

if TYPE_CHECKING:
    from airflow.sdk import Context


class MigrateSupabaseOperator(BaseOperator):
    """Runs the migrations of include/sql/migrations that the database lacks. Safe to run twice and side by side.

    Returns what was made.

    :param supabase_conn_id: the Airflow connection to PostgreSQL; its user owns what is made
    :param report_only: run nothing; fail where something is to be run
    """

    template_fields: Sequence[str] = ("supabase_conn_id", "report_only")

    def __init__(
        self, *, supabase_conn_id: str = SUPABASE_CONNECTION, report_only: bool | str = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.supabase_conn_id = supabase_conn_id
        self.report_only = report_only

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.hooks.supabase import SupabaseHook
        from echotune.sync.migrations import MigrationError, migrate, pending, read_migrations

        with fail_at_once_on(AirflowNotFoundException):
            opened = SupabaseHook(self.supabase_conn_id).get_conn()
        with opened as connection, fail_at_once_on(MigrationError):
            if is_on(self.report_only):
                if waiting := pending(connection, read_migrations()):
                    names = ", ".join(migration.file for migration in waiting)
                    raise AirflowFailException(f"the schema lacks {names}: run a sync that may write first")
                return {}
            report = migrate(connection)
        self.log.info("The schema has version %s; %s migrations ran now", report.version, len(report.applied))
        return asdict(report)
