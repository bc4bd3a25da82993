"""manage.py serve [--host 127.0.0.1] [--port 8000] [--data-dir DIR] [--workers N]"""

import json
import os
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common.database import connection
from embedded.parts import Listening, parts
from embedded.readiness import when_up
from embedded.running import services
from embedded.supervisor import Supervisor
from tenants.services.installation import prepare_database


class Command(BaseCommand):
    help = "Run all parts on this machine: web, workers, the bounce door. SIGTERM drains and exits 0."
    requires_system_checks: list[str] | tuple[str, ...] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="sending processes")
        parser.add_argument("--web-processes", type=int, default=1)
        parser.add_argument("--bounce-port", type=int, default=0, help="SMTP port that takes bounce mail; 0: none")
        parser.add_argument("--json", action="store_true", help="print the ready line as a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        listening = Listening(
            host=options["host"],
            port=options["port"],
            bounce_port=options["bounce_port"],
            web_processes=options["web_processes"],
            workers=options["workers"],
        )
        check_free(listening.host, listening.port)
        if not settings.PUBLIC_URL:
            os.environ["PUBLIC_URL"] = f"http://{settings.PUBLIC_HOST}:{listening.port}"
        os.environ["ENGINE_RUNNERS"] = str(listening.workers)
        prepare_database(say=lambda line: self.stderr.write(line))
        connection.close()
        when_up(listening.host, listening.port, lambda: self._ready(listening, as_json=options["json"]))
        sys.exit(Supervisor(parts(listening, data_dir=settings.DATA_DIR), services=services()).run())

    def _ready(self, listening: Listening, *, as_json: bool) -> None:
        address = f"http://{listening.host}:{listening.port}"
        self.stdout.write(json.dumps({"ready": address}) if as_json else f"ready {address}")
        self.stdout.flush()


def check_free(host: str, port: int) -> None:
    """Raises CommandError when somebody else listens there: the children would only fail and fail again."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {host}:{port} ({error.strerror}). Say another one with --port."
            ) from error
