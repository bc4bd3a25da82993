"""An SMTP listener for what comes back to our envelope senders: b-<token>@<bounce domain>.

The token says which recipient of which message it is about; whoever has none is refused at RCPT. A bounce is
in the database before its 250, and counted once however often it is sent.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from api.public.database import Database
from api.public.directory import Directory
from common.smtpd import Envelope, MailOptions, Reply, Session, SmtpdSettings, SmtpServer
from common.tokens import BadToken, KeyRing, RecipientToken
from deliverability.bounces import BounceReport, read_bounce
from outbound.recording import Hit, clean_text, record_hits_async
from outbound.states import EventKind

logger = logging.getLogger(__name__)

_LOCAL_PART = "b-"
_UNKNOWN = Reply(550, "5.1.1", "No such address here")
_LATER = Reply(451, "4.3.0", "The bounce cannot be recorded just now, try again later")
_TAKEN = Reply(250, "2.0.0", "Ok: recorded")
_TRIES = 3

# What a report is counted as. Delays and automatic replies are no outcome: they are taken and forgotten.
_EVENTS = {
    "hard": EventKind.BOUNCE_HARD,
    "soft": EventKind.BOUNCE_SOFT,
    "unknown": EventKind.BOUNCE_SOFT,
    "block": EventKind.BLOCK,
    "complaint": EventKind.COMPLAINT,
    "unsubscribe": EventKind.UNSUBSCRIBE,
    "delivered": EventKind.DELIVERY,
}


@dataclass(slots=True)
class BounceDoor:
    """A listener that runs; `stop` lets what is being recorded come to its end."""

    port: int
    server: SmtpServer
    database: Database

    async def stop(self) -> None:
        await self.server.stop()
        await self.database.close()


async def start_bounce_door(
    host: str, port: int, *, conninfo: str, keys: KeyRing, hostname: str = "localhost"
) -> BounceDoor:
    """Listen on `host` and `port` (0: any free one). Raises OSError when the port is taken."""
    database = Database(conninfo, application="lettershop bounces")
    server = SmtpServer(SmtpdSettings(hostname=hostname, max_recipients=20), BounceHandler(keys, database))
    return BounceDoor(await server.start(host, port), server, database)


class BounceHandler:
    """common.smtpd.Handler for bounces: any sender, the null one too; only recipients with a token of ours."""

    def __init__(self, keys: KeyRing, database: Database) -> None:
        self._keys = keys
        self._database = database
        self._directory = Directory(database)

    def accept_sender(self, session: Session, address: str, options: MailOptions) -> Reply | None:
        return None

    def accept_recipient(self, session: Session, address: str) -> Reply | None:
        try:
            self._read(address)
        except BadToken:
            return _UNKNOWN
        return None

    async def deliver(self, session: Session, envelope: Envelope) -> Reply:
        reports = await asyncio.to_thread(read_bounce, envelope.content)
        found = the_report(reports) or (_unreadable(envelope) if not envelope.sender else None)
        kind = _EVENTS.get(found.kind) if found else None
        if found is None or kind is None:
            logger.info("Mail to a bounce address that is no bounce: %s", found.kind if found else "not recognised")
            return _TAKEN
        for address in envelope.recipients:
            try:
                await self._record(self._read(address), kind, found)
            except BadToken:
                logger.info("A bounce for a tenant that is gone.")
            except psycopg.Error as error:
                logger.warning("A bounce could not be recorded: %s", error)
                return _LATER
        return _TAKEN

    def _read(self, address: str) -> RecipientToken:
        local = address.partition("@")[0]
        if local[: len(_LOCAL_PART)].lower() != _LOCAL_PART:
            raise BadToken("This address is not valid.")
        return self._keys.read_hex(local[len(_LOCAL_PART) :])

    async def _record(self, token: RecipientToken, kind: EventKind, report: BounceReport) -> None:
        tenant = await self._directory.tenant_at(token.tenant_id, host="")
        detail = clean_text(
            " ".join(filter(None, (report.reason and f"{report.reason}:", report.status, report.diagnostic)))
        )
        hit = Hit(kind, token.message_id, token.position, datetime.now(UTC), detail=detail or None)
        for left in reversed(range(_TRIES)):
            try:
                async with self._database.use() as connection:
                    await record_hits_async(connection, schema=tenant.schema, hits=[hit])
                return
            except psycopg.OperationalError:
                if not left:
                    raise
                await asyncio.sleep(0.1)


def the_report(reports: list[BounceReport]) -> BounceReport | None:
    """A mail of ours has one recipient. Where a server reports on several (it forwarded to them), one that is not
    hard decides: the address itself lives."""
    return next((report for report in reports if report.kind != "hard"), reports[0] if reports else None)


def _unreadable(envelope: Envelope) -> BounceReport:
    """From the null sender, so it is about a delivery, in words that nobody knows."""
    return BounceReport("unknown", reason="unreadable", diagnostic=envelope.content[:2_000].decode("utf-8", "replace"))
