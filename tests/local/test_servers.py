"""The real servers: they start, keep what they were given through a crash, and let nobody else in."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pymongo
import pytest
import redis
from pymongo.errors import OperationFailure

from local import ports, processes
from local.errors import StackError
from local.servers.base import Server
from local.servers.mongod import Mongod
from local.servers.postgres import Postgres
from local.servers.redis import RedisServer


class Probe:
    """Writes, counts and intrudes, in the words of one kind of server."""

    def __init__(
        self, kind: type[Server], write: Callable[[str], None], read: Callable[[str], int], refused: type[Exception]
    ) -> None:
        self.kind, self.write, self.read, self.refused = kind, write, read, refused


def _write_mongo(uri: str) -> None:
    with pymongo.MongoClient[dict[str, object]](uri) as client:
        client.shop.things.insert_one({"name": "one"})


def _read_mongo(uri: str) -> int:
    with pymongo.MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=3000) as client:
        return client.shop.things.count_documents({})


def _write_postgres(uri: str) -> None:
    with psycopg.connect(uri) as connection:
        connection.execute("create table if not exists things (name text)")
        connection.execute("insert into things values ('one')")


def _read_postgres(uri: str) -> int:
    with psycopg.connect(uri) as connection:
        row = connection.execute("select count(*) from things").fetchone()
    return row[0] if row else 0


def _write_redis(uri: str) -> None:
    with redis.Redis.from_url(uri) as client:
        client.rpush("things", "one")


def _read_redis(uri: str) -> int:
    with redis.Redis.from_url(uri) as client:
        return int(client.llen("things"))


PROBES = {
    "mongodb": Probe(Mongod, _write_mongo, _read_mongo, OperationFailure),
    "postgres": Probe(Postgres, _write_postgres, _read_postgres, psycopg.OperationalError),
    "redis": Probe(RedisServer, _write_redis, _read_redis, redis.AuthenticationError),
}


@pytest.fixture(params=PROBES)
def probe(request: pytest.FixtureRequest) -> Probe:
    return PROBES[request.param]


@pytest.fixture
def server(probe: Probe, tmp_path: Path) -> Iterator[Server]:
    one = probe.kind(tmp_path / probe.kind.name)
    yield one
    one.stop()


def test_a_crash_loses_nothing_and_a_stop_is_clean(probe: Probe, server: Server) -> None:
    server.start()
    assert server.version()
    for _ in range(2):
        probe.write(server.uri)
        server.kill()
        assert not server.running
        server.start()
    assert probe.read(server.uri) == 2
    first = server.pid
    server.start()
    assert server.pid == first, "a server that runs is left alone"
    assert server.stop()
    assert not server.stop()
    assert ports.is_free(server.port)


def test_a_wrong_password_is_refused_and_no_secret_is_seen(probe: Probe, server: Server) -> None:
    server.start()
    probe.write(server.uri)
    with pytest.raises(probe.refused):
        probe.read(server.uri.replace(server.password, "wrong"))
    assert server.password not in _all_arguments()
    assert server.password not in server.service.log.read_text(errors="replace")
    for path in server.folder.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_stale_process_file_fools_nobody(probe: Probe, server: Server) -> None:
    server.start()
    probe.write(server.uri)
    server.kill()
    record = json.loads(server.service.record.read_text())
    # The number now belongs to another living program: this test.
    server.service.record.write_text(json.dumps({**record, "pid": os.getpid()}))
    lock_file = server.folder / "data" / "postmaster.pid"
    if lock_file.exists():
        lock_file.write_text(f"{os.getpid()}\n" + "".join(lock_file.read_text().splitlines(keepends=True)[1:]))
    assert not server.running
    assert not server.stop()
    server.start()
    assert probe.read(server.uri) == 1


def test_a_busy_port_is_one_sentence_that_names_its_holder(probe: Probe, tmp_path: Path) -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as taken:
        number = taken.getsockname()[1]
        server = probe.kind(tmp_path / "server", port=number)
        with pytest.raises(StackError, match=rf"port {number} .* \(pid {os.getpid()}\): stop that program"):
            server.start()
    assert not server.running


def test_another_port_is_followed(probe: Probe, server: Server) -> None:
    server.start()
    probe.write(server.uri)
    server.stop()
    moved = probe.kind(server.folder, port=ports.free_port())
    assert moved.password == server.password
    moved.start()
    assert probe.read(moved.uri) == 1
    moved.stop()


class FailingMongod(Mongod):
    """A mongod that can be told to fail."""

    def prepare(self) -> None:
        super().prepare()
        path = self.folder / "mongod.conf"
        configuration = json.loads(path.read_text(encoding="utf-8"))
        configuration["setParameter"]["enableTestCommands"] = True
        path.write_text(json.dumps(configuration), encoding="utf-8")


def test_a_mongod_that_closes_its_connections_while_it_becomes_primary_is_asked_again(tmp_path: Path) -> None:
    server = FailingMongod(tmp_path / "mongodb")
    server.start()
    with pymongo.MongoClient[dict[str, object]](server.uri) as client:
        failing = {"configureFailPoint": "failCommand", "data": {"failCommands": ["ping"], "closeConnection": True}}
        client.admin.command({**failing, "mode": {"times": 1}})
        server.configure()
        assert client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})["count"] == 1
    server.stop()


@pytest.fixture
def parent(tmp_path: Path) -> processes.Service:
    """A service with a child, both under titles that overwrite their environment, as Airflow's are."""
    script = "import os, setproctitle, time\nsetproctitle.setproctitle('title ' * 9999)\nos.fork()\ntime.sleep(60)"
    return processes.Service("parent", (sys.executable, "-c", script), tmp_path)


def test_children_of_a_killed_parent_are_ended(parent: processes.Service) -> None:
    pid = processes.start(parent)
    assert processes.find(parent) == pid
    while len(_members(pid)) < 2:
        os.sched_yield()
    processes.kill(parent)
    assert _members(pid) == []


def test_children_of_a_killed_parent_that_nobody_reaped_are_ended(parent: processes.Service) -> None:
    pid = processes.start(parent)
    while len(_members(pid)) < 2:
        os.sched_yield()
    os.kill(pid, signal.SIGKILL)
    while processes.find(parent) is not None:
        os.sched_yield()
    processes.end_leftovers(parent)
    assert _members(pid) == []
    os.waitpid(pid, 0)


def _members(session: int) -> list[Path]:
    """The living processes of a session."""
    members = [entry for entry in Path("/proc").glob("[0-9]*") if _session(entry) == session]
    return [entry for entry in members if (entry / "cmdline").read_bytes()]


def _session(entry: Path) -> int:
    try:
        return os.getsid(int(entry.name))
    except ProcessLookupError:
        return 0


def _all_arguments() -> str:
    texts = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texts.append(path.read_text(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    return "\n".join(texts)
