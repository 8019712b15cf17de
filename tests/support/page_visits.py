"""The page as people with different rights meet it: python -m tests.support.page_visits, in a deployment's environment.

Reads a list of visits as JSON, each ``[who, method, path]``, and prints for each what came of it as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.configuration import conf
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from starlette.testclient import TestClient

ROLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "nobody": (),
    "loader": (("can_read", "DAG:csv_backfill"), ("can_read", "DAG Runs"), ("can_read", "XComs")),
    "reader of files": (("can_read", "DAG:csv_backfill"),),
}
"""What people of a role of their own may do; ``viewer`` and ``admin`` have Airflow's."""


def tokens() -> dict[str, str]:
    """A token for each person, and such as nobody should have."""
    made: dict[str, str] = {}
    with get_application_builder() as builder:
        users = builder.sm
        for name in (*ROLES, "viewer"):
            role = users.find_role("Viewer") if name == "viewer" else users.add_role(name)
            for action, resource in ROLES.get(name, ()):
                users.add_permission_to_role(role, users.create_permission(action, resource))
            users.add_user(name, name, name, f"{name.replace(' ', '-')}@localhost", role, "a password of theirs")
        for name in (*ROLES, "viewer", "admin"):
            made[name] = get_auth_manager().generate_jwt(users.find_user(name))
    claims = jwt.decode(made["admin"], options={"verify_signature": False})
    secret, algorithm = conf.get("api_auth", "jwt_secret"), jwt.get_unverified_header(made["admin"])["alg"]
    past = datetime.now(UTC) - timedelta(hours=1)
    made["of another deployment"] = jwt.encode(claims, "x" * 64, algorithm)
    made["unsigned"] = jwt.encode(claims, "", "none")
    made["expired"] = jwt.encode(claims | {"exp": past}, secret, algorithm)
    made["of nobody there"] = jwt.encode(claims | {"sub": "999999"}, secret, algorithm)
    made["made with the key"] = jwt.encode(claims, secret, algorithm)
    return made


def visit(client: TestClient, token: str | None, method: str, path: str) -> dict[str, Any]:
    """One request; its status, headers and the start of its text."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.request(method, path, headers=headers, follow_redirects=False)
    return {"status": answer.status_code, "headers": dict(answer.headers), "text": answer.text[:20_000]}


def main() -> None:
    app = create_app(apps="core")
    known = tokens()
    with TestClient(app, raise_server_exceptions=False, root_path="") as client:
        for who, method, path in json.load(sys.stdin):
            print("VISIT", json.dumps(visit(client, known.get(who), method, path)), flush=True)


if __name__ == "__main__":
    main()
