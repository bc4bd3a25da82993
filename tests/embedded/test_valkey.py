"""The embedded Valkey, with real processes and the clients that the platform uses."""

from pathlib import Path

import pytest
import redis
from kombu import Connection

from embedded.failures import ServerFailed
from embedded.valkey import Valkey
from tests.embedded.owners import is_alive, owner, wait_until


def client(server: Valkey) -> redis.Redis:
    return redis.Redis.from_url(server.url(), decode_responses=True)


def test_entries_survive_a_stop_and_a_start(tmp_path: Path) -> None:
    for expected in (None, "kept"):
        with Valkey(tmp_path) as server, client(server) as connection:
            assert connection.get("letter") == expected
            connection.set("letter", "kept")
    assert not server.socket_dir.exists()
    assert server.pid is None


def test_a_full_memory_is_an_error_and_never_a_lost_entry(tmp_path: Path) -> None:
    with Valkey(tmp_path, fast_and_unsafe=True) as server, client(server) as connection:
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert connection.config_get("port") == {"port": "0"}


def test_celerys_transport_finds_it(tmp_path: Path) -> None:
    with Valkey(tmp_path, fast_and_unsafe=True) as server:
        with Connection(server.broker_url(1)) as connection, connection.SimpleQueue("letters") as queue:
            queue.put({"n": 1})
            message = queue.get(timeout=60)
            message.ack()
            assert message.payload == {"n": 1}
        with redis.Redis.from_url(server.url(1)) as other:
            assert other.dbsize() > 0


def test_after_a_kill_it_starts_again_at_the_same_address(tmp_path: Path) -> None:
    with Valkey(tmp_path, fast_and_unsafe=True) as server:
        url = server.url()
        server.kill()
        assert not server.is_running()
        server.start()
        assert server.url() == url
        with client(server) as connection:
            assert connection.ping()


def test_when_its_owner_is_killed_it_saves_and_stops(tmp_path: Path) -> None:
    with owner("valkey", tmp_path) as first:
        pid = first.told["pid"]
        assert isinstance(pid, int)
        with client(_user_of(tmp_path)) as connection:
            connection.config_set("save", "60 1")
            connection.set("letter", "kept")
        first.process.kill()
        wait_until(lambda: not is_alive(pid))
        first.process.wait()
    with Valkey(tmp_path) as server, client(server) as connection:
        assert connection.get("letter") == "kept"


def test_a_second_process_uses_the_running_one(tmp_path: Path) -> None:
    with Valkey(tmp_path, fast_and_unsafe=True) as server, owner("valkey", tmp_path) as second:
        assert second.told["owned"] is False
        assert second.finish() == 0
        with client(server) as connection:
            assert connection.ping()


def test_what_keeps_it_from_starting_is_said(tmp_path: Path) -> None:
    (tmp_path / "valkey").mkdir()
    (tmp_path / "valkey" / "dump.rdb").write_bytes(b"this is no dump")
    with pytest.raises(ServerFailed, match=r"Valkey did not start(.|\n)*Wrong signature"):
        Valkey(tmp_path).start()


def _user_of(folder: Path) -> Valkey:
    server = Valkey(folder)
    server.start()
    assert not server.owned
    return server
