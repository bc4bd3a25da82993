"""PostgreSQL and Valkey for a machine that has none; those named in the environment are used instead."""

from collections.abc import Mapping, MutableMapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from embedded.postgres import Postgres
from embedded.server import EmbeddedServer
from embedded.valkey import Valkey

DATABASE = "lettershop"
_NAMES = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")
_CACHE_NUMBER = 0
_BROKER_NUMBER = 1


@dataclass(slots=True)
class Services:
    """The addresses, and the embedded servers in use; those started here stop when the block ends."""

    database_url: str
    redis_url: str
    broker_url: str
    servers: tuple[EmbeddedServer, ...] = ()
    _environ: MutableMapping[str, str] = field(default_factory=dict)
    _written: Mapping[str, str] = field(default_factory=dict)

    def stop(self) -> None:
        """Stop what this process started, and take the addresses it wrote out of the environment."""
        for name, address in self._written.items():
            if self._environ.get(name) == address:
                del self._environ[name]
        for server in reversed(self.servers):
            server.stop()

    def restart_crashed(self) -> list[str]:
        """Start again what has ended, even if another process owned it. Its names; raises ServerFailed."""
        crashed = [server for server in self.servers if not server.is_running()]
        for server in crashed:
            server.start()
        return [server.name for server in crashed]

    @property
    def pids(self) -> set[int]:
        """The processes that this process started and collects."""
        return {server.pid for server in self.servers if server.pid is not None}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_services(data_dir: Path, *, environ: MutableMapping[str, str], fast_and_unsafe: bool = False) -> Services:
    """Start what `environ` does not name, and write all addresses into `environ` for child processes.

    Reads and writes DATABASE_URL, REDIS_URL and CELERY_BROKER_URL. Raises ServerFailed, and then
    nothing keeps running. `fast_and_unsafe` gives durability away: for tests.
    """
    addresses = {name: environ[name] for name in _NAMES if environ.get(name)}
    servers: list[EmbeddedServer] = []
    with ExitStack() as undo:
        if "DATABASE_URL" not in addresses:
            postgres = undo.enter_context(Postgres(data_dir, fast_and_unsafe=fast_and_unsafe))
            postgres.create_database_if_missing(DATABASE)
            addresses["DATABASE_URL"] = postgres.url(DATABASE)
            servers.append(postgres)
        if "REDIS_URL" not in addresses:
            valkey = undo.enter_context(Valkey(data_dir, fast_and_unsafe=fast_and_unsafe))
            addresses["REDIS_URL"] = valkey.url(_CACHE_NUMBER)
            addresses.setdefault("CELERY_BROKER_URL", valkey.broker_url(_BROKER_NUMBER))
            servers.append(valkey)
        addresses.setdefault("CELERY_BROKER_URL", _for_celery(addresses["REDIS_URL"]))
        undo.pop_all()
    written = {name: address for name, address in addresses.items() if environ.get(name) != address}
    environ.update(written)
    database_url, redis_url, broker_url = (addresses[name] for name in _NAMES)
    return Services(database_url, redis_url, broker_url, tuple(servers), environ, written)


def _for_celery(redis_url: str) -> str:
    """Celery has its own spelling for a Unix socket."""
    if not redis_url.startswith("unix://"):
        return redis_url
    return redis_url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
