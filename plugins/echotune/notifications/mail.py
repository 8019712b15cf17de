"""A notice as e-mail, through Airflow's own hook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from airflow.providers.smtp.hooks.smtp import SmtpHook

from echotune.notifications.errors import NotSent
from echotune.notifications.notice import Notice
from echotune.notifications.wording import error_line

SECONDS = 10


class ImpatientSmtpHook(SmtpHook):
    """Airflow's hook, which gives up before the process that runs callbacks loses its patience.

    The connection's extra wins: ``timeout`` (seconds) and ``retry_limit``.
    """

    @property
    def timeout(self) -> int:
        """Seconds for each step of the conversation with the server."""
        return int(self.conn.extra_dejson.get("timeout", SECONDS))

    @property
    def smtp_retry_limit(self) -> int:
        """How often it is tried again."""
        return int(self.conn.extra_dejson.get("retry_limit", 0))


def send_mail(conn_id: str, notice: Notice) -> None:
    """Send a notice to the addresses in the connection's extra: ``to`` (one, or a list) and ``from``.

    :raises NotSent: the connection names no address, or the server took nothing
    """
    hook = ImpatientSmtpHook(conn_id)
    extra = hook.get_connection(conn_id).extra_dejson
    sender, receivers = extra.get("from") or extra.get("from_email"), _addresses(extra.get("to"))
    if not sender or not receivers:
        raise NotSent(f'the extra of the connection {conn_id} wants "to" and "from", each an e-mail address')
    text = "\n".join([notice.headline, "", *notice.lines, "", notice.url])
    try:
        with hook as server:
            server.send_email_smtp(
                to=receivers,
                from_email=sender,
                subject=notice.subject,
                html_content=f"<pre>{escape(text)}</pre>",
            )
    except (OSError, ValueError) as error:
        raise NotSent(f"the mail server did not take it: {type(error).__name__}: {error_line(error)}") from error


def _addresses(named: str | Sequence[str] | None) -> list[str]:
    if isinstance(named, str):
        named = named.split(",")
    return [address.strip() for address in named or () if address.strip()]
