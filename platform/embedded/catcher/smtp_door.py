"""How mail gets in: all that arrives while one batch is being written becomes the next one."""

import asyncio
import logging
import sqlite3
from asyncio import Future

from common.smtpd import Envelope, MailOptions, Reply, Session
from embedded.catcher.rules import RecipientRules
from embedded.catcher.store import MailStore

logger = logging.getLogger(__name__)

_CAUGHT = Reply(250, "2.0.0", "Caught")
_NOT_STORED = Reply(452, "4.3.1", "The mail could not be stored, is the disk full?")


class CatchAll:
    """A handler for `SmtpServer`. `run()` has to run beside the server, until it is cancelled."""

    def __init__(self, store: MailStore, rules: RecipientRules) -> None:
        self._store = store
        self._rules = rules
        self._queue: list[tuple[Envelope, Future[Reply]]] = []
        self._arrived = asyncio.Event()

    def accept_sender(self, session: Session, address: str, options: MailOptions) -> Reply | None:
        return None

    def accept_recipient(self, session: Session, address: str) -> Reply | None:
        return self._rules.verdict(address)

    def deliver(self, session: Session, envelope: Envelope) -> "Future[Reply]":
        done: Future[Reply] = asyncio.get_running_loop().create_future()
        self._queue.append((envelope, done))
        self._arrived.set()
        return done

    async def run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            batch, self._queue = self._queue, []
            reply = await asyncio.to_thread(self._write, [envelope for envelope, _ in batch])
            for _, done in batch:
                if not done.done():  # the server gives up waiting after a while
                    done.set_result(reply)

    def _write(self, envelopes: list[Envelope]) -> Reply:
        try:
            self._store.add(envelopes)
        except sqlite3.Error:
            logger.exception("%d mails could not be stored", len(envelopes))
            return _NOT_STORED
        return _CAUGHT
