"""Where a demo takes place: its own data directory, its own servers, ports that are free."""

import os
import secrets
import socket
from collections.abc import Collection, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from common.errors import Unavailable

HOST = "127.0.0.1"
# A demo must never write into the database of a real installation, nor send as one.
_OF_AN_INSTALLATION = (
    "DATABASE_URL",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "SECRET_KEY",
    "PUBLIC_URL",
    "PUBLIC_HOST",
    "BOUNCE_DOMAIN",
    "HTTPS",
    "BEHIND_PROXY",
    "ALLOWED_HOSTS",
)
_PORTS_TRIED = 200


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demo listens, all on 127.0.0.1."""

    web: int
    inbox: int
    smtp: int  # of the mail catcher
    bounces: int


def settle_in(environ: MutableMapping[str, str], root: Path) -> None:
    """Before settings are read: a data directory of its own, and nothing of a real installation."""
    if not environ.get("LETTERSHOP_DATA"):
        environ["LETTERSHOP_DATA"] = str(root / "var" / "demo")
    for name in _OF_AN_INSTALLATION:
        environ.pop(name, None)


def choose_ports(web: int, inbox: int, smtp: int, bounces: int) -> Ports:
    """Those asked for, or the next free ones. Raises Unavailable."""
    chosen: list[int] = []
    for wanted in (web, inbox, smtp, bounces):
        chosen.append(_free_port(wanted, chosen))
    return Ports(*chosen)


def demo_password(data_dir: Path) -> str:
    """One for all log-ins of the demo, made once and kept beside its data."""
    path = data_dir / "password"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"demo-{secrets.token_hex(4)}")
    return path.read_text()


def _free_port(wanted: int, taken: Collection[int]) -> int:
    for port in range(wanted, min(wanted + _PORTS_TRIED, 65536)):
        if port not in taken and _is_free(port):
            return port
    raise Unavailable(f"Of the {_PORTS_TRIED} ports from {wanted} on none is free.", hint="Choose another one.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
