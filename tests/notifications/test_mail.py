"""Notices by mail: a real mail server gets them, or the reason is told."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from echotune.notifications.errors import NotSent
from echotune.notifications.mail import send_mail
from echotune.notifications.notice import Notice
from echotune.run_summary import RunSummary
from local import ports
from tests.notifications.conftest import CONN_ID, Connect, MailServer

NOTICE = Notice(
    dag_id="csv_backfill",
    run_id="manual__1",
    state="success",
    url="http://airflow/dags/csv_backfill/runs/manual__1",
    summary=RunSummary(text=("9 new plays from 12 rows.", "<b>"), left=3, left_text="3 rows did not load."),
)
PLAIN = {"disable_ssl": True, "disable_tls": True, "from": "echotune@example.org"}


@contextmanager
def mail_server(**options: Any) -> Iterator[MailServer]:
    server = MailServer(**options)
    server.controller.start()
    try:
        yield server
    finally:
        server.controller.stop()


@pytest.mark.parametrize("to", ["a@example.org, b@example.org", ["a@example.org", "b@example.org"]])
def test_a_notice_reaches_everybody_who_is_named(connect: Connect, to: Any) -> None:
    with mail_server() as server:
        connect("smtp", host="127.0.0.1", port=server.port, extra={**PLAIN, "to": to})
        send_mail(CONN_ID, NOTICE)
    (mail,) = server.inbox.mails
    assert (mail["From"], mail["X-RcptTo"]) == ("echotune@example.org", "a@example.org, b@example.org")
    assert mail["Subject"] == "EchoTune: csv_backfill ended with work left"


def test_a_mail_says_what_is_left_what_was_done_and_where_to_look(connect: Connect) -> None:
    with mail_server() as server:
        connect("smtp", host="127.0.0.1", port=server.port, extra={**PLAIN, "to": "a@example.org"})
        send_mail(CONN_ID, NOTICE)
    (mail,) = server.inbox.mails
    body = mail.get_payload(0).get_payload(decode=True).decode()
    assert all(part in body for part in (NOTICE.headline, "9 new plays from 12 rows.", "&lt;b&gt;", NOTICE.url))


def test_a_mail_goes_through_a_server_that_wants_tls_and_a_password(connect: Connect) -> None:
    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, told: Any) -> AuthResult:
        known = isinstance(told, LoginPassword) and (told.login, told.password) == (b"me", b"hush")
        return AuthResult(success=known)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    options = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": authenticate}
    with mail_server(**options) as server:
        extra = {"disable_ssl": True, "ssl_context": "none", "from": "me@example.org", "to": "a@example.org"}
        connect("smtp", host="127.0.0.1", port=server.port, login="me", password="hush", extra=extra)
        send_mail(CONN_ID, NOTICE)
        connect("smtp", host="127.0.0.1", port=server.port, login="me", password="wrong-hush", extra=extra)
        with pytest.raises(NotSent, match="the mail server did not take it: SMTP") as error:
            send_mail(CONN_ID, NOTICE)
    assert len(server.inbox.mails) == 1
    assert "wrong-hush" not in str(error.value)


@pytest.mark.parametrize("extra", [{"from": "me@example.org"}, {"to": "a@example.org"}])
def test_a_connection_without_addresses_says_what_to_write(connect: Connect, extra: dict[str, str]) -> None:
    connect("smtp", host="127.0.0.1", port=ports.free_port(), extra=extra)
    with pytest.raises(NotSent, match='the extra of the connection echotune_notifications wants "to" and "from"'):
        send_mail(CONN_ID, NOTICE)


def test_a_mail_server_that_is_away_is_told(connect: Connect) -> None:
    connect("smtp", host="127.0.0.1", port=ports.free_port(), extra={**PLAIN, "to": "a@example.org"})
    with pytest.raises(NotSent, match="the mail server did not take it: ConnectionRefusedError"):
        send_mail(CONN_ID, NOTICE)
