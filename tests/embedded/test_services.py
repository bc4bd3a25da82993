"""Which servers are started, and what child processes are told about them."""

from pathlib import Path

import psycopg
import pytest
import redis

from embedded.failures import ServerFailed, explain_log
from embedded.postgres import Postgres
from embedded.services import start_services

OWN_DATABASE = {"DATABASE_URL": "postgres://me@db.example/app"}
OWN_REDIS = {"REDIS_URL": "redis://cache.example:6379/0"}


def test_without_addresses_both_are_started_and_written_into_the_environment(folder: Path) -> None:
    environ = {"DATABASE_URL": "", "OTHER": "1"}
    with start_services(folder, environ=environ, fast_and_unsafe=True) as services:
        assert environ == {
            "DATABASE_URL": services.database_url,
            "REDIS_URL": services.redis_url,
            "CELERY_BROKER_URL": services.broker_url,
            "OTHER": "1",
        }
        assert services.broker_url.startswith("redis+socket://")
        assert len(services.pids) == 2
        with psycopg.connect(services.database_url) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("lettershop",)
        with redis.Redis.from_url(services.redis_url) as connection:
            assert connection.ping()

        child = start_services(folder / "elsewhere", environ=environ)
        assert child.servers == ()
        child.stop()

        for server in services.servers:
            server.kill()
        assert services.restart_crashed() == ["PostgreSQL", "Valkey"]
        assert services.restart_crashed() == []
    assert environ == {"OTHER": "1"}
    assert services.pids == set()


def test_each_server_of_ones_own_is_used_and_nothing_is_started_for_it(tmp_path: Path) -> None:
    environ = {**OWN_DATABASE, **OWN_REDIS}
    with start_services(tmp_path, environ=environ) as services:
        assert services.servers == ()
        assert services.broker_url == environ["CELERY_BROKER_URL"] == OWN_REDIS["REDIS_URL"]
    assert environ == {**OWN_DATABASE, **OWN_REDIS}
    assert list(tmp_path.iterdir()) == []

    with start_services(tmp_path, environ=dict(OWN_DATABASE), fast_and_unsafe=True) as services:
        assert [server.name for server in services.servers] == ["Valkey"]
        assert services.database_url == OWN_DATABASE["DATABASE_URL"]


def test_a_broker_of_ones_own_is_kept(tmp_path: Path) -> None:
    environ = {**OWN_DATABASE, **OWN_REDIS, "CELERY_BROKER_URL": "amqp://broker.example"}
    with start_services(tmp_path, environ=environ) as services:
        assert services.broker_url == "amqp://broker.example"


def test_a_redis_behind_a_unix_socket_is_spelled_as_celery_wants_it(tmp_path: Path) -> None:
    environ = {**OWN_DATABASE, "REDIS_URL": "unix:///run/redis.sock?db=3"}
    with start_services(tmp_path, environ=environ) as services:
        assert services.broker_url == "redis+socket:///run/redis.sock?virtual_host=3"


def test_when_one_cannot_be_started_the_other_does_not_keep_running(folder: Path) -> None:
    (folder / "valkey").mkdir(exist_ok=True)
    dump = folder / "valkey" / "dump.rdb"
    dump.write_bytes(b"this is no dump")
    environ: dict[str, str] = {}
    with pytest.raises(ServerFailed, match="Valkey"):
        start_services(folder, environ=environ, fast_and_unsafe=True)
    assert environ == {}
    assert not Postgres(folder).is_running()
    dump.unlink()


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        (
            "postgres: error while loading shared libraries: libz.so.1: cannot open shared object file",
            "needs the system library libz.so.1",
        ),
        ('FATAL:  could not write to file "x": No space left on device', "disk that holds /data is full"),
        ("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "not enough free memory"),
        ('initdb: error: could not create directory "x": Permission denied', "may not read or write /data"),
        ("initdb: error: could not create directory: Read-only file system", "read-only file system"),
        ("something new", "PostgreSQL did not start from /data"),
    ],
    ids=lambda value: value[:40],
)
def test_what_a_server_wrote_becomes_a_sentence_that_says_what_to_do(log: str, sentence: str) -> None:
    error = explain_log("PostgreSQL", Path("/data"), log)
    assert sentence in error.message
    assert error.hint
    assert log in error.hint
