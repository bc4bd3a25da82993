"""The catcher as one process: its SMTP port, its inbox over HTTP, and the file between them."""

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from common.smtpd import SmtpdSettings, SmtpServer
from embedded.catcher.rules import RecipientRules
from embedded.catcher.smtp_door import CatchAll
from embedded.catcher.store import MailStore
from embedded.catcher.web import Inbox

_GRACE = 5  # seconds


@dataclass(frozen=True, slots=True)
class CatcherSettings:
    """For port 0 the system chooses one. `keep` is a number of mails."""

    folder: Path
    host: str
    smtp_port: int
    http_port: int
    keep: int
    refuse: tuple[str, ...] = ()
    defer: tuple[str, ...] = ()


async def run_catcher(settings: CatcherSettings) -> None:
    """Until SIGTERM or SIGINT. Prints one line when it is ready. Raises OSError if a port is taken."""
    stop = asyncio.Event()
    for what in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(what, stop.set)
    store = MailStore(settings.folder, most_mails=settings.keep)
    with closing(store), _listening(settings.host, settings.http_port) as http_socket:
        await _serve(settings, store, http_socket, stop)


async def _serve(settings: CatcherSettings, store: MailStore, http_socket: socket.socket, stop: asyncio.Event) -> None:
    door = CatchAll(store, RecipientRules(refuse=settings.refuse, defer=settings.defer))
    smtp = SmtpServer(SmtpdSettings(hostname="catcher.localhost", banner="ESMTP mail catcher"), door)
    smtp_port = await smtp.start(settings.host, settings.smtp_port)
    http = _HttpServer(
        uvicorn.Config(
            Inbox(store),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
        )
    )
    writing = asyncio.create_task(door.run())
    serving = asyncio.create_task(http.serve([http_socket]))
    sys.stdout.write(
        f"Mail catcher: SMTP on {settings.host}:{smtp_port}, "
        f"inbox on http://{settings.host}:{http_socket.getsockname()[1]}/\n"
    )
    sys.stdout.flush()
    await stop.wait()
    http.should_exit = True
    await smtp.stop(grace=_GRACE)
    await serving
    writing.cancel()


class _HttpServer(uvicorn.Server):
    """Leaves the signals to this process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
        yield listener
