"""Who may see what: Airflow's own sign-in and permissions."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException, Request, status
from fastapi.security import HTTPAuthorizationCredentials

__all__ = ["Bearer", "SignedInUser", "get_user", "login_address", "may_read", "require_dag", "require_summary"]

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]
SignedInUser = Annotated[BaseUser, Depends(get_user)]


def may_read(user: BaseUser, dag_id: str, entity: DagAccessEntity | None = None) -> bool:
    """Whether a user may read a DAG; or its runs, or what its tasks returned."""
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    return get_auth_manager().is_authorized_dag(method="GET", access_entity=entity, details=details, user=user)


def require_dag(user: BaseUser, dag_id: str) -> None:
    """Let only those pass who may read a DAG and its runs: what it wrote is shown to nobody else.

    :raises HTTPException: 403
    """
    if not may_read(user, dag_id) or not may_read(user, dag_id, DagAccessEntity.RUN):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"You may not read the DAG {dag_id}.")


def require_summary(user: BaseUser, dag_id: str) -> None:
    """Let only those pass who may read what a DAG's tasks returned.

    :raises HTTPException: 403
    """
    require_dag(user, dag_id)
    if not may_read(user, dag_id, DagAccessEntity.XCOM):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"You may not read what the tasks of {dag_id} returned.")


def login_address(request: Request) -> str:
    """Where one signs in, to come back to this page."""
    here = str(request.url.path)
    base = here.partition("/echotune")[0]
    return f"{base}/api/v2/auth/login?next={quote(here, safe='')}"
