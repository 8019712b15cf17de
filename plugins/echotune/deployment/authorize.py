"""make authorize: a listener allows the platform to read their recent plays and playlists, or takes that back.

Runs where Airflow's database is: local/run python -m echotune.deployment.authorize, or in the container of the
api-server. The browser may be on another machine: then the address where it ended is pasted here. No token is ever
shown, logged, or handed from process to process.
"""

from __future__ import annotations

import argparse
import os
import secrets
import select
import sys
import time
import webbrowser
from http.server import HTTPServer
from typing import Any

from spotipy.exceptions import SpotifyOauthError
from spotipy.oauth2 import RequestHandler, start_local_http_server

from echotune.deployment.listener_store import AuthorizationError, application, forget, keep, require_encryption
from echotune.enrichment.answers import Answer, Outcome
from echotune.spotify_account.client import AccountClient
from echotune.spotify_account.tokens import AccountAuthorization

HOST, PORT = "127.0.0.1", 8898
WAIT_SECONDS = 600.0
STATE_BYTES = 24
AT_SPOTIFY = "At Spotify the listener takes it back under spotify.com/account/apps."


class ImpatientHandler(RequestHandler):
    """Gives up a connection on which nothing comes: browsers open some in advance, and the next one has the code."""

    timeout = 2


class Callback:
    """Waits for the code that Spotify sends with the browser: on loopback, and as an address that a person pastes.

    :param port: where the browser is sent to
    :param seconds: how long a person may take
    """

    def __init__(self, port: int, *, seconds: float = WAIT_SECONDS) -> None:
        self.port, self._seconds = port, seconds
        self._server: HTTPServer | None = None

    @property
    def redirect_uri(self) -> str:
        """What the application's dashboard has to list."""
        return f"http://{HOST}:{self.port}/callback"

    def listen(self) -> bool:
        """Listen for the browser; False where something else has the port, and pasting is the only way."""
        try:
            self._server = start_local_http_server(self.port, ImpatientHandler)
        except OSError:
            return False
        return True

    def wait(self, state: str) -> str:
        """Return the code.

        :param state: what has to come back with it
        :raises AuthorizationError: the listener refused, or nothing came in time
        """
        deadline = time.monotonic() + self._seconds
        sources: list[Any] = [source for source in (self._server, sys.stdin) if source is not None]
        while sources and (left := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select(sources, [], [], left)
            for source in readable:
                answer = self._browsers() if source is self._server else _typed(sources)
                if answer is not None:
                    return _code(answer, state)
        raise AuthorizationError("nothing came back from Spotify: run it again, and paste the address where it ended")

    def close(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.server_close()

    def _browsers(self) -> tuple[str | None, str | None] | None:
        """State and code of a request; None for one that is about something else, such as an icon."""
        server: Any = self._server
        server.state = server.auth_code = server.error = None
        server.handle_request()
        if server.error is not None:
            raise AuthorizationError(f"{server.error}: run it again, and agree")
        return (server.state, server.auth_code) if server.auth_code else None


def _typed(sources: list[Any]) -> tuple[str | None, str | None] | None:
    """State and code of a pasted address; at the end of the input nobody can paste any more."""
    line = sys.stdin.readline()
    if not line:
        sources.remove(sys.stdin)
        return None
    try:
        state, code = AccountAuthorization.parse_auth_response_url(line.strip())
    except SpotifyOauthError as error:
        raise AuthorizationError(f"{error}: run it again, and agree") from None
    if code is None:
        print("That is not the address: it begins with the one of the callback and has code=… in it.", flush=True)
        return None
    return state, code


def _code(answer: tuple[str | None, str | None], state: str) -> str:
    told, code = answer
    if told is None or code is None or not secrets.compare_digest(told.encode(), state.encode()):
        raise AuthorizationError("the answer belongs to another attempt (its state differs): run it again")
    return code


def authorize(callback: Callback) -> str:
    """Ask a listener for their authorization and keep it; return their user id.

    :raises AuthorizationError: there is none
    """
    require_encryption()
    client_id, addresses = application()
    state = secrets.token_urlsafe(STATE_BYTES)
    authorization = AccountAuthorization(
        client_id=client_id,
        redirect_uri=callback.redirect_uri,
        state=state,
        accounts_url=addresses.get("accounts_url"),
    )
    listens = callback.listen()
    try:
        invite(authorization.get_authorize_url(), callback.redirect_uri, listens=listens)
        code = callback.wait(state)
    finally:
        callback.close()
    tokens = _body(authorization.exchange(code))
    username = _body(AccountClient(tokens["access_token"], addresses.get("api_url")).profile()).get("id")
    if not isinstance(username, str) or not username:
        raise AuthorizationError("Spotify does not say whose account it is: try again")
    keep(username, tokens["refresh_token"])
    return username


def invite(address: str, redirect_uri: str, *, listens: bool) -> None:
    """Show the address where the listener agrees, and open it where there is a browser that shows windows."""
    opened = False
    if listens and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        opened = webbrowser.open(address)
    print("Your browser should show Spotify now; if it does not, open" if opened else "Open in a browser", flush=True)
    print(f"\n    {address}\n", flush=True)
    print(f"(The application's dashboard has to list the redirect URI {redirect_uri} .)", flush=True)
    print("If the browser then shows an error because it is elsewhere, paste the address where it ended:", flush=True)


def _body(answer: Answer) -> Any:
    if answer.outcome is not Outcome.DATA:
        raise AuthorizationError(answer.reason)
    return answer.body


def main() -> None:
    """Read the command line and do what it says; exit status 1 and a sentence where that cannot be."""
    parser = argparse.ArgumentParser(prog="make authorize", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help="of the redirect URI on this machine")
    parser.add_argument("--remove", metavar="USER", help="take the authorization of this listener back")
    arguments = parser.parse_args()
    try:
        if arguments.remove:
            found = forget(arguments.remove)
            print(f"{arguments.remove}: {'removed' if found else 'there was no authorization'}. {AT_SPOTIFY}")
            return
        username = authorize(Callback(arguments.port))
    except AuthorizationError as error:
        sys.exit(f"echotune: {error}")
    except KeyboardInterrupt:
        sys.exit("echotune: interrupted; nothing was kept.")
    print(f"{username} gave the authorization. Switch on the DAG recently_played: it asks every hour.")


if __name__ == "__main__":
    main()
