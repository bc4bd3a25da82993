"""What engine tests share: contacts, a message to them, and a real SMTP server in a thread of its own."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from common.database import connection
from outbound.compiler import Content
from outbound.models import Message, ProviderAccount
from outbound.services import freeze_audience, plan_message, start_message
from outbound.services.providers import create_provider
from outbound.stamping import Sender, make_stamp
from tests.outbound.smtp_server import SmtpServer

Script = Callable[[str, str], str | None]


class Provider:
    """A provider that takes mail; `script(verb, argument)` may answer otherwise, raise HangUp or return None."""

    def __init__(self, script: Script | None = None, **options: Any) -> None:
        self._script = script
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.server: SmtpServer

    def __enter__(self) -> "Provider":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.server.__aexit__(None, None, None), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def received(self) -> Counter[str]:
        """How many mails each address got."""
        return Counter(recipient for mail in self.server.taken for recipient in mail.recipients)

    def account(self, **options: Any) -> ProviderAccount:
        given = {"name": "sink", "host": "127.0.0.1", "port": self.port, "tls": "none", "connections": 4, **options}
        return create_provider(**given)

    async def _start(self) -> None:
        async def whim(verb: str, argument: str) -> str | None:
            return self._script(verb, argument) if self._script else None

        self.server = SmtpServer(whim=whim, **self._options)
        await self.server.__aenter__()


def make_contacts(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_contact (email, email_key, needs_smtputf8, first_name, last_name, language, timezone, country,"
            " status, tags, attributes, consent_note, created_at, updated_at)"
            " SELECT a, a, false, 'Ann', '', '', '', '', 'active', '{}', '{}', '', now(), now()"
            " FROM (SELECT 'user' || i || '@example.com' AS a FROM generate_series(0, %s) i) s",
            [count - 1],
        )


def start_mailing(provider: ProviderAccount, *, html: str = "<p>Hello {{ first_name }}</p>") -> Message:
    message = plan_message(
        origin="test",
        name="A test",
        provider=provider,
        content=Content(subject="Hello {{ first_name }}", html=html),
        stamp=make_stamp(Sender("news@acme.example", "Acme")),
        links=[],
    )
    freeze_audience(message, sql.SQL("SELECT id FROM contacts_contact ORDER BY id"))
    start_message(message)
    return message


def states(message: Message) -> Counter[int]:
    """Recipients by state, from their rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*) FROM outbound_recipient WHERE message_id = %s GROUP BY state", [message.pk]
        )
        return Counter(dict(cursor.fetchall()))


def books_agree(message: Message) -> bool:
    """Chunks' counters say the same as the recipients' rows, and the rows of finished chunks are complete."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(sent), sum(bounced), sum(failed), sum(suppressed), sum(in_doubt), sum(cancelled),"
            " sum(deferred) - coalesce(sum(size) FILTER (WHERE attempt > 1), 0), sum(size) FILTER (WHERE attempt = 1)"
            " FROM outbound_chunk WHERE message_id = %s",
            [message.pk],
        )
        sent, bounced, failed, suppressed, in_doubt, cancelled, deferred, size = cursor.fetchone()
    rows = states(message)
    message.refresh_from_db()
    told = (sent, bounced, failed, suppressed, in_doubt, cancelled, deferred, size)
    counted = (
        rows[3] + rows[4] + rows[11],
        rows[5] + rows[6],
        rows[7],
        rows[9],
        rows[10],
        rows[8],
        rows[2],
        message.total,
    )
    return told == counted


def make_due(message: Message) -> None:
    """Let every deferred recipient's time have come."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_recipient SET next_at = now() WHERE message_id = %s AND state = 2", [message.pk]
        )


def now() -> datetime:
    return datetime.now(UTC)
