"""The session: bounded in time and memory, never redirected, every answer classified."""

from __future__ import annotations

import gzip
import http.server
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import BufferedIOBase
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.classify import classify_spotify
from echotune.enrichment.http import Bounds, ClassifyingSession, Refused
from local.ports import free_port
from tests.support.http_server import RawServer, Write, raw_server, replies, reply

MEBIBYTE = 2**20
QUICK = Bounds(connect_seconds=0.3, read_seconds=0.3, total_seconds=0.6, body_bytes=MEBIBYTE)
PATIENT = Bounds(body_bytes=MEBIBYTE)
"""For answers that come in time, also on a busy machine."""

BODY = b'{"tracks": [1, 2, 3]}'
SECRET = "Bearer secret-that-nobody-may-read"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


@pytest.fixture
def server(shared_server: RawServer) -> RawServer:
    shared_server.asked.clear()
    return shared_server


def new_session(bounds: Bounds = PATIENT) -> ClassifyingSession:
    return ClassifyingSession(classify_spotify, bounds)


def refused(url: str, session: ClassifyingSession | None = None) -> Answer:
    """The answer of a call that must not come to data."""
    with pytest.raises(Refused) as raised:
        (session or new_session(QUICK)).get(url, headers={"Authorization": SECRET})
    assert str(raised.value) == raised.value.answer.reason
    assert SECRET.split()[1] not in f"{raised.value!r} {raised.value.answer!r}"
    return raised.value.answer


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks) + end


def answer_in_chunks(body: bytes, headers: str = "") -> Write:
    def write(stream: BufferedIOBase) -> None:
        head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{headers}\r\n"
        stream.write(head.encode() + body)

    return write


def packed(body: bytes) -> Write:
    return reply(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    "answer",
    [
        reply(body=BODY),
        packed(BODY),
        answer_in_chunks(chunked(BODY[:5], BODY[5:])),
        answer_in_chunks(chunked(gzip.compress(BODY)[:9], gzip.compress(BODY)[9:]), "Content-Encoding: gzip\r\n"),
    ],
    ids=["plain", "gzip", "chunked", "chunked gzip"],
)
def test_a_good_answer_is_handed_on_whole(server: RawServer, answer: Write) -> None:
    server.answer = answer
    response = new_session().get(server.url)
    assert response.json() == {"tracks": [1, 2, 3]}
    assert (response.status_code, response.content, response.url) == (200, BODY, f"{server.url}/")
    response.raise_for_status()


def test_a_connection_is_used_again(server: RawServer) -> None:
    server.answer = replies(
        reply(body=BODY), packed(BODY), answer_in_chunks(chunked(BODY)), reply(429), reply(404), reply(body=BODY)
    )
    session, before = new_session(), server.connections
    session.get(server.url)
    session.get(server.url)
    session.get(server.url)
    refused(server.url, session)
    refused(server.url, session)
    session.get(server.url)
    assert (len(server.asked), server.connections - before) == (6, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(server: RawServer, status: int) -> None:
    server.answer = reply(status, headers={"Location": f"{server.url}/elsewhere"})
    assert refused(f"{server.url}/here").outcome is Outcome.BROKEN
    assert [asked.path for asked in server.asked] == ["/here"]


@lru_cache(maxsize=1)
def zeros_in_gzip(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(bytes(MEBIBYTE)) for _ in range(mebibytes)), packer.flush()])


@pytest.mark.parametrize("status", [200, 302, 403, 404, 429, 503])
@pytest.mark.parametrize("form", ["with its length", "in chunks"])
def test_a_gzip_bomb_does_not_fill_the_memory(server: RawServer, status: int, form: str) -> None:
    bomb = zeros_in_gzip(200)
    headers = {"Content-Encoding": "gzip", "Location": "/bomb"}
    if form == "in chunks":
        del headers["Location"]
        headers |= {"Transfer-Encoding": "chunked", "Content-Length": ""}
        bomb = chunked(*(bomb[start : start + 10_000] for start in range(0, len(bomb), 10_000)))
    server.answer = reply(status, bomb, headers)
    session = ClassifyingSession(classify_spotify)
    tracemalloc.start()
    try:
        answer = refused(server.url, session)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    expected = {429: Outcome.RATE_LIMITED, 503: Outcome.TRANSIENT}
    assert answer.outcome is expected.get(status, Outcome.BROKEN)
    assert peak < 20 * MEBIBYTE


def test_a_body_without_end_is_not_read_to_its_end(server: RawServer) -> None:
    def endless(stream: BufferedIOBase) -> None:
        stream.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            stream.write(bytes(MEBIBYTE))

    server.answer = endless
    answer = refused(server.url)
    assert answer.outcome is Outcome.BROKEN
    assert "larger than 1048576 bytes" in answer.reason


@pytest.mark.parametrize("drop", [b"x", b"\x00\x00\x00\xff\xff"], ids=["bytes", "gzip that unpacks to nothing"])
def test_a_dripping_body_is_given_up(server: RawServer, drop: bytes) -> None:
    def drip(stream: BufferedIOBase) -> None:
        packing = b"Content-Encoding: gzip\r\n" if drop != b"x" else b""
        stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n" + packing + b"\r\n")
        if packing:
            stream.write(gzip.compress(b"")[:10])
        while True:
            time.sleep(0.05)
            stream.write(drop)

    server.answer = drip
    start = time.monotonic()
    answer = refused(server.url)
    assert answer.outcome is Outcome.TRANSIENT
    assert "took longer than 0.6 s" in answer.reason
    assert time.monotonic() - start < 1.5


def test_silence_is_given_up(server: RawServer) -> None:
    server.answer = lambda _: time.sleep(0.8)
    assert refused(server.url).outcome is Outcome.TRANSIENT


def write_and_close(*parts: bytes) -> Write:
    def write(stream: BufferedIOBase) -> None:
        stream.write(b"".join(parts))
        raise ConnectionResetError

    return write


HEAD = b"HTTP/1.1 200 OK\r\n"
SAID = b"Content-Length: 500\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        write_and_close(),
        write_and_close(b"no HTTP at all\r\n\r\n"),
        write_and_close(HEAD, SAID),
        write_and_close(HEAD, SAID, BODY),
        write_and_close(HEAD, b"Transfer-Encoding: chunked\r\n\r\n", chunked(BODY, end=b"")),
        write_and_close(HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n"),
        write_and_close(HEAD, b"Content-Encoding: gzip\r\n\r\n", gzip.compress(BODY)[:-4]),
        write_and_close(b"HTTP/1.1 403 Forbidden\r\n", SAID, b'{"error":{"status":403}}'),
        write_and_close(b"HTTP/1.1 404 Not Found\r\n", SAID, b'{"error":{"status":404}}'),
        write_and_close(HEAD, b"A: b\r\n" * 300, b"\r\n"),
        write_and_close(HEAD, b"A: ", b"b" * 100_000, b"\r\n\r\n"),
    ],
    ids=[
        "at once",
        "before any HTTP",
        "before the body",
        "in the body",
        "between chunks",
        "in a chunk's length",
        "in gzip",
        "in the body that says what a 403 means",
        "in the body that says what a 404 means",
        "after more headers than anybody needs",
        "after a header longer than anybody needs",
    ],
)
def test_an_answer_that_is_cut_off_is_worth_another_try(server: RawServer, answer: Write) -> None:
    server.answer = answer
    assert refused(server.url).outcome is Outcome.TRANSIENT


@pytest.mark.parametrize(
    ("status", "outcome"), [(429, Outcome.RATE_LIMITED), (503, Outcome.TRANSIENT), (401, Outcome.ACCOUNT_PROBLEM)]
)
def test_a_status_that_says_enough_needs_no_whole_body(server: RawServer, status: int, outcome: Outcome) -> None:
    server.answer = write_and_close(f"HTTP/1.1 {status} X\r\nRetry-After: 9\r\n".encode(), SAID, b"{")
    answer = refused(server.url)
    assert (answer.outcome, answer.status) == (outcome, status)
    assert answer.seconds == (9 if status == 429 else 0)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", b"this is no gzip"), ("br", BODY), ("gzip, gzip", BODY), ("zstd", BODY), ("identity", b"\x1f\x8b")],
)
def test_a_body_packed_otherwise_than_asked_for_is_broken(server: RawServer, encoding: str, body: bytes) -> None:
    server.answer = reply(body=body, headers={"Content-Encoding": encoding})
    assert refused(server.url).outcome is Outcome.BROKEN
    assert server.asked[0].headers["Accept-Encoding"] == "gzip"


lines = st.sampled_from(
    [
        "Content-Length: 5",
        "Content-Length: 5, 7",
        "Content-Length: -1",
        "Content-Length: many",
        "Transfer-Encoding: chunked",
        "Content-Encoding: gzip",
        "Content-Encoding: gzip, gzip",
        "Location: ///",
        "Location: \udcff",
        "Retry-After: \x00",
        "no colon",
        ": no name",
    ]
)
heads = st.builds(
    lambda status, headers: "\r\n".join([f"HTTP/1.1 {status} Reason", *headers, "", ""]).encode("utf-8", "replace"),
    st.sampled_from([100, 200, 204, 206, 301, 304, 400, 401, 403, 404, 429, 500, 999]),
    st.lists(lines, max_size=4),
)
bodies = st.sampled_from(
    [b"", BODY, gzip.compress(BODY), chunked(BODY), chunked(gzip.compress(BODY)), b"-5\r\n" + BODY, b"ffffffffffff\r\n"]
)


@settings(max_examples=250)
@given(sent=st.binary() | st.builds(lambda head, body, more: head + body + more, heads, bodies, st.binary(max_size=20)))
def test_whatever_a_server_sends_is_data_or_one_classified_refusal(shared_server: RawServer, sent: bytes) -> None:
    shared_server.answer = write_and_close(sent)
    try:
        body = new_session().get(shared_server.url).json()
        answer = Answer(outcome=Outcome.DATA, body=body)
    except Refused as refusal:
        answer = refusal.answer
    assert (answer.outcome is Outcome.DATA) is isinstance(answer.body, dict)
    assert (answer.outcome is Outcome.DATA) is (answer.reason == "")
    assert answer.reason.isprintable()


def test_nobody_there_is_worth_another_try() -> None:
    answer = refused(f"http://127.0.0.1:{free_port()}")
    assert answer.outcome is Outcome.TRANSIENT
    assert "127.0.0.1" in answer.reason


@pytest.mark.parametrize(
    "url", ["", "api.spotify.com/v1", "ftp://127.0.0.1/", "http://", "http://[::1", "http://.a/", "http://a\x00b/"]
)
def test_an_address_that_is_none_is_broken(url: str) -> None:
    answer = refused(url)
    assert answer.outcome is Outcome.BROKEN
    assert "check it in the settings" in answer.reason


def test_a_header_that_cannot_be_sent_is_broken_and_not_told() -> None:
    with pytest.raises(Refused) as raised:
        new_session().get("http://127.0.0.1:9", headers={"Authorization": f"{SECRET}\r\nHost: elsewhere"})
    assert raised.value.answer.outcome is Outcome.BROKEN
    assert "secret" not in raised.value.answer.reason


def test_a_certificate_that_is_not_trusted_is_broken(tmp_path: Path) -> None:
    with tls_server(tmp_path) as port:
        answer = refused(f"https://localhost:{port}")
    assert answer.outcome is Outcome.BROKEN
    assert "TLS certificate of localhost is not trusted" in answer.reason


def test_the_authorization_of_a_netrc_file_is_not_sent(
    server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\ndefault login me password mine\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    server.answer = reply(body=BODY)
    session = new_session()
    session.get(server.url, headers={"Authorization": SECRET})
    session.get(server.url)
    assert [asked.headers["Authorization"] for asked in server.asked] == [SECRET, None]


def test_cookies_are_not_kept(server: RawServer) -> None:
    server.answer = reply(body=BODY, headers={"Set-Cookie": "follow=me; Path=/"})
    session = new_session()
    session.get(server.url)
    session.get(server.url)
    assert server.asked[1].headers["Cookie"] is None


@contextmanager
def tls_server(folder: Path) -> Iterator[int]:
    """The port of a server on localhost whose certificate it signed itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(folder))
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as running:
        running.socket = context.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield running.server_port
        running.shutdown()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """The files of a certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    no_password = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password))
    return certificate_file, key_file
