"""What benches and trials share: servers in a temporary folder, a tenant with contacts, the counting sink.

Run benches from the project's folder: `.venv/bin/python bench/campaign.py`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [path for path in (str(ROOT), str(ROOT / "platform")) if path not in sys.path]
SINK_SOURCE = ROOT.parent / "shared" / "tools" / "smtpsink.c"


class Sink:
    """The counting SMTP sink, compiled where its source lies or, when that folder is read-only, in a temporary one."""

    def __init__(self, *options: str, port: int = 0) -> None:
        self.port = port or free_port()
        self.control = free_port()
        self._folder = tempfile.mkdtemp(prefix="lettershop-sink-")
        program = compiled_sink(Path(self._folder))
        self._process = subprocess.Popen(
            [str(program), "--port", str(self.port), "--control", str(self.control), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait_for(self.stats)

    def stats(self) -> dict[str, Any]:
        return self._get("/stats")

    def reset(self) -> None:
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.control}/reset", method="POST")).read()

    def missing(self, pattern: str, count: int) -> dict[str, Any]:
        return self._get(
            "/missing?" + urllib.parse.urlencode({"pattern": pattern.replace("%", "%25"), "n": count}, safe="%")
        )

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.control}{path}", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


def compiled_sink(folder: Path) -> Path:
    """The sink's program. Ends the program with a sentence when there is no source or no compiler."""
    if not SINK_SOURCE.exists():
        sys.exit(f"The counting SMTP sink is not here ({SINK_SOURCE}): this cannot be measured without it.")
    beside = SINK_SOURCE.with_suffix("")
    program = beside if os.access(SINK_SOURCE.parent, os.W_OK) else folder / "smtpsink"
    if not program.exists() or program.stat().st_mtime < SINK_SOURCE.stat().st_mtime:
        subprocess.run(["cc", "-O2", "-o", str(program), str(SINK_SOURCE), "-lpthread"], check=True)
    return program


class Stage:
    """`with Stage() as stage:` PostgreSQL, Valkey, a migrated database and the tenant `acme`; gone afterwards."""

    def __init__(self, *, durable: bool = True) -> None:
        self._durable = durable
        self._undo = ExitStack()
        self.data = Path(tempfile.mkdtemp(prefix="lettershop-bench-"))

    def __enter__(self) -> Self:
        self._undo.callback(shutil.rmtree, self.data, ignore_errors=True)
        os.environ.update(
            LETTERSHOP_DATA=str(self.data),
            SECRET_KEY="bench",
            LOG_LEVEL="WARNING",
            DJANGO_SETTINGS_MODULE="config.settings",
        )
        from embedded.services import start_services

        for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
            os.environ.pop(name, None)
        self._services = start_services(self.data, environ=os.environ, fast_and_unsafe=not self._durable)
        self._undo.enter_context(self._services)
        import django

        django.setup()
        from tenants.services.creation import create_tenant
        from tenants.services.installation import prepare_database

        prepare_database()
        create_tenant(slug="acme", name="Acme", host="acme.localhost")
        self.enter_tenant()
        return self

    def __exit__(self, *error: object) -> None:
        from common.database import connection

        connection.close()
        self._undo.close()

    def enter_tenant(self) -> None:
        from common.database import connection
        from tenants.models import Tenant

        connection.set_schema_to_public()
        connection.set_tenant(Tenant.objects.get(slug="acme"))

    def restart_postgres(self) -> None:
        """As a crash and a start: open connections are lost."""
        for server in self._services.servers:
            if server.name.lower().startswith("postgres"):
                server.restart()
        self.reconnect()

    def flush_redis(self) -> None:
        import redis

        redis.Redis.from_url(self._services.redis_url).flushall()

    def reconnect(self) -> None:
        from common.database import connection

        connection.close()
        self.enter_tenant()

    def make_contacts(self, count: int) -> None:
        """user0@example.com …, with names and ten attributes, made inside PostgreSQL."""
        from common.database import connection

        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE contacts_contact CASCADE")
            cursor.execute(_CONTACTS, [count - 1])
            cursor.execute("ANALYZE contacts_contact")


_CONTACTS = """
INSERT INTO contacts_contact (email, email_key, needs_smtputf8, first_name, last_name, language, timezone, country, status,
    tags, attributes, consent_note, created_at, updated_at)
SELECT a, a, false, (ARRAY['Ann','Ben','Chloé','Dirk','Eva','Finn','Gül','Hans'])[1 + i %% 8], 'Miller' || i %% 977, 'en', '', 'FR',
    'active', '{}', jsonb_build_object('city', 'City ' || i %% 500, 'plan', (ARRAY['gold','free'])[1 + i %% 2], 'points', i %% 1000,
        'shop', 'Shop ' || i %% 50, 'size', 'M', 'colour', 'blue', 'code', 'C' || i, 'agent', 'Zoe', 'since', '2021', 'region', 'North'),
    '', now(), now()
FROM (SELECT i, 'user' || i || '@example.com' AS a FROM generate_series(0, %s) i) s
"""


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of living processes."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def table(rows: Sequence[Sequence[object]]) -> str:
    """Columns under each other; the first row is the heading."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(question: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            question()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
