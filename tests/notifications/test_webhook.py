"""Notices to a webhook: a real server gets them, or the reason is told."""

from __future__ import annotations

import json

import pytest

from echotune.notifications.errors import NotSent
from echotune.notifications.notice import Notice
from echotune.notifications.webhook import post_notice, webhook_address
from local import ports
from tests.notifications.conftest import Connect
from tests.support.http_server import RawServer, reply

NOTICE = Notice(dag_id="csv_backfill", run_id="manual__1", state="failed", url="http://airflow/dags/x/runs/1")


def test_a_notice_is_posted_as_json(connect: Connect, webhook: RawServer) -> None:
    connection = connect("http", host=webhook.url, password="T0/B0/hush", extra={"headers": {"X-Who": "me"}})
    post_notice(connection, NOTICE)
    (asked,) = webhook.asked
    assert (asked.method, asked.path, asked.headers["X-Who"]) == ("POST", "/T0/B0/hush", "me")
    assert json.loads(asked.body) == NOTICE.as_document()


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"host": "https://hooks.slack.com/services", "password": "T/B/x"}, "https://hooks.slack.com/services/T/B/x"),
        ({"host": "hooks.example.org", "schema": "http", "port": 8080}, "http://hooks.example.org:8080/"),
        ({"host": "hooks.example.org", "password": "/x"}, "https://hooks.example.org/x"),
    ],
)
def test_the_address_is_the_host_and_the_secret_end(connect: Connect, fields: dict[str, str], address: str) -> None:
    assert webhook_address(connect("http", **fields)) == address


def test_an_answer_that_is_no_success_is_told_without_the_secret(connect: Connect, webhook: RawServer) -> None:
    webhook.answer = reply(403)
    with pytest.raises(NotSent, match="answered with HTTP 403") as error:
        post_notice(connect("http", host=webhook.url, password="hush"), NOTICE)
    assert "hush" not in str(error.value)


def test_a_redirect_is_not_followed(connect: Connect, webhook: RawServer) -> None:
    webhook.answer = reply(302, headers={"Location": f"{webhook.url}/elsewhere"})
    with pytest.raises(NotSent, match="HTTP 302"):
        post_notice(connect("http", host=webhook.url), NOTICE)
    assert len(webhook.asked) == 1


def test_a_webhook_that_is_away_is_told_without_the_secret(connect: Connect) -> None:
    connection = connect("http", host=f"http://127.0.0.1:{ports.free_port()}", password="hush")
    with pytest.raises(NotSent, match="cannot be asked: ConnectionError") as error:
        post_notice(connection, NOTICE)
    assert "hush" not in str(error.value)


def test_a_connection_without_a_host_says_what_to_write(connect: Connect) -> None:
    with pytest.raises(NotSent, match="echotune_notifications names no host"):
        post_notice(connect("http"), NOTICE)
