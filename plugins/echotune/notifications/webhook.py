"""A notice as JSON to a webhook, such as Slack's."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from echotune.notifications.errors import NotSent
from echotune.notifications.notice import Notice

if TYPE_CHECKING:
    from airflow.sdk import Connection

SECONDS = (5, 10)
"""Until the connection stands, and until the answer begins."""


def post_notice(connection: Connection, notice: Notice) -> None:
    """Post a notice.

    The connection's host is the address, with ``https://`` or the scheme in its schema field; its password, if any, is
    the secret end of the address, which Airflow encrypts and masks; ``headers`` in its extra go along.

    :raises NotSent: the connection names no address, or the webhook did not take it
    """
    try:
        answer = requests.post(
            webhook_address(connection),
            json=notice.as_document(),
            headers=connection.extra_dejson.get("headers"),
            timeout=SECONDS,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        # Its message repeats the address, whose end is a secret.
        raise NotSent(f"the webhook at {connection.host} cannot be asked: {type(error).__name__}") from None
    if not HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
        raise NotSent(f"the webhook at {connection.host} answered with HTTP {answer.status_code}")


def webhook_address(connection: Connection) -> str:
    """The address of a connection.

    :raises NotSent: it has no host
    """
    if not connection.host:
        raise NotSent(f"the connection {connection.conn_id} names no host: write the webhook's address there")
    host = connection.host if "://" in connection.host else f"{connection.schema or 'https'}://{connection.host}"
    parts = urlsplit(host)
    port = f":{connection.port}" if connection.port and parts.port is None else ""
    path = "/".join(part.strip("/") for part in (parts.path, connection.password or "") if part.strip("/"))
    return f"{parts.scheme}://{parts.netloc}{port}/{path}"
