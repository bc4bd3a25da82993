"""manage.py demo [--once] [--port 8000] [--inbox-port 8025] [--smtp-port 2500] [--bounce-port 2527] [--data-dir DIR]"""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common.database import connection
from common.errors import LettershopError
from embedded.demo.play import Play
from embedded.demo.surroundings import HOST, Ports, choose_ports
from embedded.demo.telling import Teller
from embedded.parts import Listening, child_environ, parts
from embedded.running import services
from embedded.supervised_child import ChildProcess
from embedded.supervisor import Supervisor
from tenants.services.installation import prepare_database

_LINES_OF_LOG = 25
_NO = {"", "0", "no", "false", "off"}


class Command(BaseCommand):
    help = "Show everything on this machine: two tenants, a campaign to a mail catcher, its report, until Ctrl-C."
    requires_system_checks: list[str] | tuple[str, ...] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end after the report, as DEMO_ONCE=1 does")
        parser.add_argument("--port", type=int, default=8000, help="desks and tracked links")
        parser.add_argument("--inbox-port", type=int, default=8025, help="the caught mails")
        parser.add_argument("--smtp-port", type=int, default=2500, help="where mails are caught")
        parser.add_argument("--bounce-port", type=int, default=2527, help="where bounces come back")

    def handle(self, *args: Any, **options: Any) -> None:
        self._refuse_company()
        try:
            ports = choose_ports(options["port"], options["inbox_port"], options["smtp_port"], options["bounce_port"])
        except LettershopError as error:
            raise CommandError(str(error)) from error
        # Tracked links carry it: in mails planned here, and in the children.
        os.environ["PUBLIC_URL"] = settings.PUBLIC_URL = f"http://{settings.PUBLIC_HOST}:{ports.web}"
        teller = Teller(self.stdout, self.stderr)
        with teller.working("Preparing the database"):
            prepare_database()
        connection.close()
        sys.exit(self._run(ports, teller, once=options["once"] or os.environ.get("DEMO_ONCE", "") not in _NO))

    def _refuse_company(self) -> None:
        if not all(server.owned for server in services().servers):
            raise CommandError(
                f"Another demo is running on the data in {settings.DATA_DIR}. "
                "Stop it with Ctrl-C, or say another --data-dir."
            )

    def _run(self, ports: Ports, teller: Teller, *, once: bool) -> int:
        log = settings.DATA_DIR / "demo.log"
        with log.open("wb", buffering=0) as file:
            supervisor = Supervisor(_children(ports, settings.DATA_DIR), services=services(), output=file.fileno())
            play = Play(ports, teller, is_over=lambda: supervisor.stopping, once=once)
            play.start()
            broken = supervisor.run()
        play.join(timeout=30)
        if broken:
            teller.fail(f"A part of the demo could not be kept running. The end of {log}:\n{_end_of(log)}")
        elif play.failure:
            teller.fail(f"The demo stopped: {play.failure}\nWhat its parts have said stands in {log}.")
        return 1 if broken or play.failure or (once and not play.finished) else 0


def _children(ports: Ports, data_dir: Path) -> list[ChildProcess]:
    """The catcher ends last: workers that drain still hand over to it."""
    listening = Listening(host=HOST, port=ports.web, bounce_port=ports.bounces)
    argv = [sys.executable, "-m", "embedded.catcher", "--smtp-port", str(ports.smtp), "--http-port", str(ports.inbox)]
    catcher = ChildProcess("catcher", [*argv, "--data-dir", str(data_dir)], child_environ(data_dir), stop_seconds=10)
    return [*parts(listening, data_dir=data_dir), catcher]


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LINES_OF_LOG:]
    return "\n".join(f"    {line}" for line in lines)
