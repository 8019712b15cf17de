"""The operator that proves numbers equal."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from echotune.reconciliation import Check, require_equal

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReconcileOperator(BaseOperator):
    """Compares numbers that must agree, logs each comparison, and fails where one does not.

    A subclass says in ``checks`` what is compared.
    """

    @abstractmethod
    def checks(self, context: Context) -> Sequence[Check]:
        """Return the comparisons, made."""

    def execute(self, context: Context) -> dict[str, Any]:
        checks = self.checks(context)
        for check in checks:
            self.log.info("%s", check)
        require_equal(checks)
        return {"checks": len(checks), "failed": 0}
