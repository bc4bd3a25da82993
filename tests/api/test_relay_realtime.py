"""R10: figures go on as Server-Sent Events for as long as somebody watches, and cost as much for hundreds as for one."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import uvicorn
from a2wsgi import WSGIMiddleware
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection

from api.access.tokens import issue_token
from api.relay.realtime import RealtimeDoor
from api.relay.stats.watching import ADMITTED, Watch
from common.database import conninfo
from outbound.states import RecipientState
from tenants.models import ApiKey, Tenant
from tenants.services.keys import create_api_key
from tests.api.doors import wait_until
from tests.outbound.submission_cast import end, people, submitted
from tests.servers import ROOT

PATH = "/api/stats/realtime"


@dataclass
class Stream:
    """An answer that goes on."""

    client: http.client.HTTPConnection
    response: http.client.HTTPResponse

    @property
    def status(self) -> int:
        return self.response.status

    def event(self) -> dict[str, Any]:
        """The next event's data; comments are passed over."""
        while True:
            line = self.line()
            if line.startswith("data: "):
                data: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return data
            assert line == "" or line.startswith((":", "event: metrics", "retry: ")), line

    def line(self) -> str:
        read = self.response.readline()
        assert read, "the stream has ended"
        return read.decode().rstrip("\n")

    def rest(self) -> bytes:
        return self.response.read()

    def close(self) -> None:
        self.response.close()
        self.client.close()


@dataclass
class Server:
    port: int
    key: str
    open: ExitStack

    def watch(self, path: str = PATH, **headers: str) -> Stream:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        named = {"host": "localhost", "x-api-key": self.key}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        client.request("GET", path, headers={name: value for name, value in named.items() if value})
        stream = Stream(client, client.getresponse())
        self.open.callback(stream.close)
        return stream


@pytest.fixture
def watched(live_tenant: Tenant, settings: Any, monkeypatch: Any) -> Iterator[tuple[Server, RealtimeDoor]]:
    # Threads that admit outlive their requests; their connections shall not.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    settings.API_LIMIT_RELAY_REALTIME = 0
    settings.API_LIMIT_RELAY_TIERS = 0
    _, key = create_api_key(tenant=live_tenant, name="watcher")
    django = WSGIMiddleware(WSGIHandler(), workers=4)  # type: ignore[arg-type]
    door = RealtimeDoor(django, conninfo())  # type: ignore[arg-type]
    with serving(door) as port, ExitStack() as streams:
        streams.callback(door_ends, door)
        yield Server(port, key, streams), door


@contextmanager
def serving(app: Any) -> Iterator[int]:
    config = uvicorn.Config(
        app, port=0, log_config=None, access_log=False, loop="uvloop", http="httptools", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def in_a_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Not in the main thread, whose signals the door would listen to."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def door_ends(door: RealtimeDoor) -> None:
    """From this thread, as a signal would."""
    if (loop := _loop_of(door)) is not None:
        loop.call_soon_threadsafe(door.end)


def _loop_of(door: RealtimeDoor) -> asyncio.AbstractEventLoop | None:
    samplers = door._samplers
    running = list(samplers._running.values()) if samplers else []
    return running[0]._task.get_loop() if running else None


def test_r10_a_metrics_event_comes_every_second(watched: tuple[Server, RealtimeDoor]) -> None:
    stream = watched[0].watch()
    assert (stream.status, stream.response.headers["Content-Type"]) == (200, "text/event-stream")
    assert stream.response.headers["X-RateLimit-Workspace"]
    assert stream.response.headers["X-Request-ID"]
    events = [stream.event() for _ in range(4)]
    assert all(set(one) == {"timestamp", "emails_per_second", "queue_depth", "active_processors"} for one in events)
    times = [datetime.strptime(one["timestamp"], "%Y-%m-%dT%H:%M:%SZ") for one in events[1:]]
    assert times == sorted(times)
    assert times[-1] > times[0]


def test_r10_what_happens_is_seen_once(watched: tuple[Server, RealtimeDoor]) -> None:
    stream = watched[0].watch()
    assert stream.event()["queue_depth"] == 0
    accepted = submitted(to=people("a@example.com", "b@example.com"))
    while stream.event()["queue_depth"] != 2:
        pass
    end(accepted.message_id, RecipientState.SENT, RecipientState.SENT)
    seen = [stream.event() for _ in range(6)]
    assert sum(one["emails_per_second"] for one in seen) == 2
    assert seen[-1]["queue_depth"] == 0


def test_r10_hundreds_watch_and_the_database_is_asked_by_one(watched: tuple[Server, RealtimeDoor]) -> None:
    server, door = watched
    streams = [server.watch() for _ in range(200)]
    assert {stream.status for stream in streams} == {200}
    for stream in streams:
        stream.event()
    latest = [stream.event() for stream in streams]
    assert {set(one) == set(latest[0]) for one in latest} == {True}
    assert door._samplers is not None
    assert door._samplers.tenants == 1
    with psycopg.connect(conninfo()) as held:
        (connections,) = held.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lettershop watchers'"
        ).fetchone() or (None,)
    assert connections == 1
    for stream in streams:
        stream.close()
    wait_until(lambda: door._samplers is not None and door._samplers.tenants == 0)


def test_r10_watchers_of_another_tenant_see_their_own_figures(
    watched: tuple[Server, RealtimeDoor], globex: Tenant
) -> None:
    server, _ = watched
    assert server.watch(x_workspace_id=globex.workspace_id).status == 403
    body = json.loads(server.watch(x_api_key="").rest())
    assert body["error"]["code"] == "AUTH_REQUIRED"


def test_r10_every_root_of_the_relay_has_the_stream(watched: tuple[Server, RealtimeDoor]) -> None:
    for root in ("/v1", "/api/v1"):
        assert watched[0].watch(f"{root}/stats/realtime/").event()["queue_depth"] == 0


def test_r10_a_key_may_connect_ten_times_a_minute(watched: tuple[Server, RealtimeDoor], settings: Any) -> None:
    settings.API_LIMIT_RELAY_REALTIME = 10
    server, _ = watched
    assert [server.watch().status for _ in range(10)] == [200] * 10
    refused = server.watch()
    assert (refused.status, refused.response.headers["X-RateLimit-Limit"]) == (429, "10")
    assert json.loads(refused.rest())["error"]["code"] == "RATE_LIMIT_EXCEEDED"


def test_r10_a_stream_ends_with_its_key(watched: tuple[Server, RealtimeDoor], monkeypatch: Any) -> None:
    monkeypatch.setattr("api.relay.stats.sampler._CHECK_KEYS_EVERY", 1)
    stream = watched[0].watch()
    stream.event()
    ApiKey.objects.filter(name="watcher").update(revoked_at=datetime.now(UTC))
    assert stream.rest() is not None


def test_r10_a_stream_ends_with_its_token(
    watched: tuple[Server, RealtimeDoor], live_tenant: Tenant, monkeypatch: Any
) -> None:
    monkeypatch.setattr("api.relay.stats.sampler._CHECK_KEYS_EVERY", 1)
    key = ApiKey.objects.filter(name="watcher").latest("pk")
    token = issue_token(key_id=key.pk, tenant_id=live_tenant.pk, scopes=["read"], seconds=8).token
    stream = watched[0].watch(x_api_key="", authorization=f"Bearer {token}")
    assert stream.status == 200
    assert stream.rest() is not None


def test_r10_a_watcher_who_does_not_read_is_left_behind(monkeypatch: Any, live_tenant: Tenant) -> None:
    """`send` waits, as a server's does while nothing is read."""
    monkeypatch.setattr("api.relay.realtime._SLOW_SECONDS", 0.2)
    sent: list[Any] = []

    async def admit(scope: Any, receive: Any, send: Any) -> None:
        scope[ADMITTED] = Watch(live_tenant.schema_name, None)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
        await send({"type": "http.response.body", "body": b"abc"})

    async def never() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) > 2:
            await asyncio.Event().wait()

    async def play() -> int:
        door = RealtimeDoor(admit, conninfo())
        await asyncio.wait_for(door({"method": "GET", "path": PATH}, never, send), 20)
        assert door._samplers is not None
        return door._samplers.tenants

    assert in_a_loop(play()) == 0
    assert sent[0]["headers"] == []
    assert sent[1]["body"] == b"retry: 5000\n\nabc"
    assert len(sent) == 3


def test_r10_the_heartbeat_goes_on_while_the_database_is_away(monkeypatch: Any) -> None:
    sent: list[bytes] = []
    enough = asyncio.Event()

    async def admit(scope: Any, receive: Any, send: Any) -> None:
        scope[ADMITTED] = Watch("nobody", None)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def leave() -> Any:
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if len(sent) == 4:
            enough.set()

    async def play() -> None:
        door = RealtimeDoor(admit, "host=127.0.0.1 port=1 dbname=none")
        await asyncio.wait_for(door({"method": "GET", "path": PATH}, leave, send), 20)

    in_a_loop(play())
    assert sent[2:4] == [b": nothing to tell\n\n"] * 2


def test_r10_streams_end_when_the_server_is_told_to_stop(live_tenant: Tenant) -> None:
    _, key = create_api_key(tenant=live_tenant, name="watcher")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port), "--log-level", "warning"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": _url(), "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
    )
    try:
        with ExitStack() as streams:
            server = Server(port, key, streams)
            wait_until(lambda: _answers(port), 60)
            stream = server.watch()
            assert stream.status == 200
            stream.event()
            process.send_signal(signal.SIGTERM)
            assert stream.rest() is not None
        assert process.wait(20) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _url() -> str:
    parts = psycopg.conninfo.conninfo_to_dict(conninfo())
    login = ":".join(str(parts[name]) for name in ("user", "password") if parts.get(name)) or "postgres"
    host, port = str(parts.get("host", "localhost")), parts.get("port", "5432")
    if host.startswith("/"):
        return f"postgres://{login}@/{parts['dbname']}?host={host}&port={port}"
    return f"postgres://{login}@{host}:{port}/{parts['dbname']}"
