"""The accounts service for listeners: the page where they agree, and tokens for what they agreed to (PKCE)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

from local.ports import LOOPBACK
from local.simulator import answers
from local.simulator.answers import Reply
from local.simulator.catalog import encode
from local.simulator.listeners import Consent, Grant, Listeners
from local.simulator.settings import Settings
from local.simulator.tokens import Credentials, Tokens

CODE, REFRESH = "authorization_code", "refresh_token"
LISTENERS_GRANTS = frozenset({CODE, REFRESH})


def authorize(query: Mapping[str, str], settings: Settings, credentials: Credentials, listeners: Listeners) -> Reply:
    """Send the browser back at once, with a code of the listener of the settings, or with a refusal."""
    redirect_uri = query.get("redirect_uri", "")
    if query.get("client_id") != credentials.client_id:
        return _page("INVALID_CLIENT: Invalid client")
    if urlsplit(redirect_uri).hostname != LOOPBACK:
        return _page("INVALID_CLIENT: Invalid redirect URI")
    if (query.get("response_type"), query.get("code_challenge_method")) != ("code", "S256"):
        return _page("response_type must be code, code_challenge_method must be S256")
    told = {"error": "access_denied"}
    if settings.consent:
        consent = Consent(
            user=settings.listener,
            client_id=credentials.client_id,
            redirect_uri=redirect_uri,
            challenge=query.get("code_challenge", ""),
            scope=query.get("scope", ""),
        )
        told = {"code": listeners.consent(consent)}
    told |= {"state": query["state"]} if "state" in query else {}
    return Reply(status=302, headers={"Location": f"{redirect_uri}?{urlencode(told)}"})


def token(form: bytes, settings: Settings, credentials: Credentials, listeners: Listeners, tokens: Tokens) -> Reply:
    """Answer a public client, which proves itself by the code's verifier or by the refresh token alone."""
    given = {name: values[0] for name, values in parse_qs(form.decode("utf-8", "replace")).items()}
    if given.get("client_id") != credentials.client_id:
        return answers.accounts_error("invalid_client", "Invalid client")
    if given.get("grant_type") == CODE:
        grant = listeners.redeem(
            given.get("code", ""),
            client_id=given["client_id"],
            redirect_uri=given.get("redirect_uri", ""),
            verifier=given.get("code_verifier", ""),
        )
        return _answer(grant, "Invalid authorization code", settings, listeners, tokens)
    grant = listeners.grants.pop(given.get("refresh_token", ""), None)
    return _answer(grant, "Refresh token revoked", settings, listeners, tokens)


def _answer(grant: Grant | None, refusal: str, settings: Settings, listeners: Listeners, tokens: Tokens) -> Reply:
    if grant is None:
        return answers.accounts_error("invalid_grant", refusal)
    body = {
        "access_token": tokens.issue(settings.token_seconds, grant.user),
        "token_type": "Bearer",
        "expires_in": int(settings.token_seconds),
        "refresh_token": listeners.issue(grant),
        "scope": grant.scope,
    }
    return Reply(body=encode(body), headers={"Cache-Control": "no-store"})


def _page(text: str) -> Reply:
    return Reply(status=400, body=text.encode(), content_type="text/plain; charset=utf-8")
