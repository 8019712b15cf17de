"""The HTTP session of every outside service: bounded in time and memory, never redirected, every answer classified.

A good answer is handed on as a requests.Response; everything else is raised as ``Refused``, so that a client library
on top of the session never sees, and never misunderstands, a bad answer.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from requests import exceptions as faults
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as ConnectionFault

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.classify import Classify, Received

BLOCK_BYTES = 64 * 1024
ENCODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True}
"""The content encodings that are read, and whether each is gzip."""
TOLD_BY_BODY = frozenset({HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""Statuses that mean nothing definite without a whole body."""

WRONG_ADDRESS = (
    faults.MissingSchema,
    faults.InvalidSchema,
    faults.InvalidURL,
    faults.URLRequired,
)


class Refused(Exception):
    """Anything but a good answer. Its message is the answer's reason."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What one call may cost.

    :param connect_seconds: until the connection stands
    :param read_seconds: between two pieces of the answer
    :param total_seconds: from the call to the end of the body
    :param body_bytes: of the decompressed body
    """

    connect_seconds: float = 5
    read_seconds: float = 20
    total_seconds: float = 60
    body_bytes: int = 8 * 1024 * 1024


class Body(dict[str, Any]):
    """The JSON object of an answer. spotipy writes it out for its debug log at every call: this spares the time."""

    def __repr__(self) -> str:
        return f"<JSON object of {len(self)} fields>"


class ParsedResponse(requests.Response):
    """A good answer, whose JSON was parsed when it was classified and is not parsed again."""

    def __init__(self, response: requests.Response, body: bytes, parsed: Mapping[str, Any]) -> None:
        super().__init__()
        self.status_code = response.status_code
        self.headers = response.headers
        self.url = response.url
        self.reason = response.reason
        self.request = response.request
        self.elapsed = response.elapsed
        self.raw = BytesIO(body)
        self._parsed = Body(parsed)

    def json(self, **_: Any) -> Body:
        """Return the parsed body."""
        return self._parsed


class ClassifyingSession(requests.Session):
    """A session of one service.

    :param classify: what an answer of this service means
    """

    def __init__(self, classify: Classify, bounds: Bounds | None = None) -> None:
        super().__init__()
        self._classify = classify
        self._bounds = bounds or Bounds()
        self._environment: dict[str, dict[str, Any]] = {}
        self.headers["Accept-Encoding"] = "gzip"
        # Without authorization of its own, requests would look into .netrc and overwrite the header that is sent.
        self.auth = _keep_authorization
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(max_retries=0))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def merge_environment_settings(self, url: Any, *args: Any) -> dict[str, Any]:
        """Look for proxies and certificates once a host: to read the environment takes a tenth of a call."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._environment:
            self._environment[origin] = super().merge_environment_settings(url, *args)
        return self._environment[origin]

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect: a token is for one host, and requests would read the whole body before it goes on."""

    def request(self, method: str, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Make one call.

        :raises Refused: it came to anything but a good answer
        """
        bounds = self._bounds
        deadline = time.monotonic() + bounds.total_seconds
        options = {"stream": True, "timeout": (bounds.connect_seconds, bounds.read_seconds), "allow_redirects": False}
        try:
            response = super().request(method, url, *args, **(kwargs | options))
        except (faults.RequestException, ConnectionFault, UnicodeError) as error:
            raise Refused(_answer_of(error, str(url))) from None
        try:
            body, fault = _read(response, bounds, deadline)
        finally:
            response.close()
        received = Received(status=response.status_code, headers=response.headers, body=body)
        if fault is not None and received.status in TOLD_BY_BODY:
            raise Refused(fault)
        answer = self._classify(received)
        if answer.outcome is not Outcome.DATA:
            raise Refused(answer)
        return ParsedResponse(response, body, answer.body)


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read(response: requests.Response, bounds: Bounds, deadline: float) -> tuple[bytes, Answer | None]:
    """Read a body as far as it is good, with what ended it early."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ENCODINGS:
        return b"", _broken(response, "is packed in a way nobody asked for")
    unpack = _Unpack() if ENCODINGS[encoding] else None
    body = bytearray()
    received = 0
    try:
        # Unlike read(), read1() gives what is there, so that the deadline is looked at between two drops.
        while block := response.raw.read1(BLOCK_BYTES, decode_content=False):
            received += len(block)
            for piece in unpack.pieces(block) if unpack else (block,):
                body += piece
                if max(len(body), received) > bounds.body_bytes:
                    return b"", _broken(response, f"is larger than {bounds.body_bytes} bytes")
            if time.monotonic() > deadline:
                return b"", _transient(f"the answer took longer than {bounds.total_seconds:g} s", response)
    except zlib.error:
        return b"", _broken(response, "is packed and damaged")
    except (ConnectionFault, OSError):
        return b"", _transient("the answer was cut off", response)
    if unpack and received and not unpack.complete:
        return b"", _transient("the answer was cut off", response)
    return bytes(body), None


class _Unpack:
    """gzip, unpacked in pieces of a bounded size, so that a small block cannot fill the memory at once."""

    def __init__(self) -> None:
        self._gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def pieces(self, block: bytes) -> Iterator[bytes]:
        while block:
            yield self._gzip.decompress(block, BLOCK_BYTES)
            block = self._gzip.unconsumed_tail

    @property
    def complete(self) -> bool:
        return self._gzip.eof


def _answer_of(error: Exception, url: str) -> Answer:
    """Classify a call without an answer. What the error says may repeat a header, so it is never told."""
    if isinstance(error, (*WRONG_ADDRESS, UnicodeError)):
        return Answer(outcome=Outcome.BROKEN, reason="the service's address cannot be called: check it in the settings")
    host = urlsplit(url).hostname
    if isinstance(error, faults.InvalidHeader):
        return Answer(outcome=Outcome.BROKEN, reason=f"a header to or from {host} is malformed")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        reason = f"the TLS certificate of {host} is not trusted: check the address, and REQUESTS_CA_BUNDLE for a proxy"
        return Answer(outcome=Outcome.BROKEN, reason=reason)
    if isinstance(error, faults.ProxyError):
        return _transient(f"the proxy to {host} cannot be reached, or refuses: check HTTPS_PROXY")
    if isinstance(error, faults.Timeout):
        return _transient(f"{host} did not answer in time")
    return _transient(f"the connection to {host} failed")


def _broken(response: requests.Response, what: str) -> Answer:
    reason = f"the body of the answer ({response.status_code}) {what}"
    return Answer(outcome=Outcome.BROKEN, reason=reason, status=response.status_code)


def _transient(reason: str, response: requests.Response | None = None) -> Answer:
    status = None if response is None else response.status_code
    return Answer(outcome=Outcome.TRANSIENT, reason=reason, status=status)
