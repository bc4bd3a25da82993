"""The doors that recipients' mail programs and browsers come to: pixel, click, unsubscribe. A bare ASGI app.

    GET  /o/<token>.gif       the pixel: 43 bytes, counted as an open
    GET  /c/<token>/<number>  302 to that link of the message
    GET  /u/<token>           a page with a button; POST unsubscribes (RFC 8058)
    GET  /webhook/pixel, /webhook/click; GET and POST /webhook/unsubscribe: the same with signed parameters

Nothing but a POST changes anything; HEAD is answered and not counted. What is not ours is 404 and leads nowhere.
"""

import logging

import psycopg

from api.public import pages
from api.public.answers import PIXEL_ANSWER, Answer, Receive, Scope, Send, not_allowed, options, redirect, send_answer
from api.public.database import Database
from api.public.directory import Directory
from api.public.recorder import Recorder
from api.public.requests import BadForm, ClientGone, caller_of, read_form
from api.public.signed_doors import SignedDoors
from api.public.signed_urls import UrlSigner
from api.public.unsubscribing import Unsubscriber
from api.public.visits import Visit
from common.errors import LettershopError
from common.tokens import BadToken, KeyRing
from outbound.states import EventKind

logger = logging.getLogger(__name__)

_READ, _READ_AND_POST = b"GET, HEAD, OPTIONS", b"GET, HEAD, POST, OPTIONS"
_TOKEN = slice(3, 35)  # of the path
_MOST_DIGITS = 5


class PublicDoors:
    """Build it once a process; `start` and `stop` (or the ASGI lifespan) begin and end the recorder."""

    def __init__(self, conninfo: str, keys: KeyRing, *, signer: UrlSigner, behind_proxy: bool = False) -> None:
        """`conninfo` as libpq takes it, URL or keywords."""
        self._keys = keys
        self._behind_proxy = behind_proxy
        self._database = Database(conninfo, application="lettershop doors")
        self._directory = Directory(self._database)
        self._unsubscriber = Unsubscriber(self._database)
        self.recorder = Recorder(Database(conninfo, application="lettershop recorder"))
        self._signed = SignedDoors(signer, self._directory, self.recorder, self._unsubscriber)

    def matches(self, path: str) -> bool:
        """Whether a path is for these doors."""
        return path[:3] in _DOORS or path.rstrip("/") in SignedDoors.PATHS

    async def start(self) -> None:
        self.recorder.start()

    async def stop(self) -> None:
        """Everything that was counted is in the database when this returns."""
        await self.recorder.stop()
        await self._database.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                given = await self._answer(scope, receive)
            except BadToken:
                given = pages.unknown_page()
            except BadForm:
                given = pages.bad_form_page()
            except psycopg.Error as error:
                logger.warning("A tracking door cannot reach the database: %s", error)
                given = pages.try_again_page()
            except ClientGone:
                return
            # Pixels and redirects come by the million and nobody asks for the number of one.
            await send_answer(send, scope, given, numbered=scope["path"][:3] not in _UNNUMBERED)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path: str = scope["path"]
        door = path[:3]
        if door == "/o/":
            return await self._open(scope, path)
        if door == "/c/":
            return await self._click(scope, path)
        if door == "/u/":
            return await self._unsubscribe(scope, receive, path)
        return await self._signed.answer(scope, receive, caller_of(scope, behind_proxy=self._behind_proxy))

    async def _open(self, scope: Scope, path: str) -> Answer:
        if refused := _refused(scope["method"], _READ):
            return refused
        if path[35:] != ".gif":
            raise BadToken("This link is not valid.")
        visit = await self._visit(scope, path)
        if scope["method"] == "GET":
            self.recorder.add(visit.tenant.schema, visit.hit(EventKind.OPEN))
        return PIXEL_ANSWER

    async def _click(self, scope: Scope, path: str) -> Answer:
        if refused := _refused(scope["method"], _READ):
            return refused
        number = path[36:].rstrip("/")
        if path[35:36] != "/" or not (number.isascii() and number.isdigit()) or len(number) > _MOST_DIGITS:
            raise BadToken("This link is not valid.")
        visit = await self._visit(scope, path)
        location = await self._location(visit, int(number))
        if scope["method"] == "GET":
            self.recorder.add(visit.tenant.schema, visit.hit(EventKind.CLICK, int(number)))
        return redirect(location)

    async def _unsubscribe(self, scope: Scope, receive: Receive, path: str) -> Answer:
        if refused := _refused(scope["method"], _READ_AND_POST):
            return refused
        if path[35:].rstrip("/"):
            raise BadToken("This link is not valid.")
        visit = await self._visit(scope, path)
        if scope["method"] != "POST":
            return pages.unsubscribe_page(visit.tenant.name)
        await read_form(scope, receive)  # read to its end, whatever it says: the address itself is the request
        await self._unsubscriber.by_recipient(visit.tenant.schema, visit.hit(EventKind.UNSUBSCRIBE))
        return pages.unsubscribed_page(visit.tenant.name)

    async def _visit(self, scope: Scope, path: str) -> Visit:
        """Raises BadToken."""
        token = self._keys.read(path[_TOKEN])
        caller = caller_of(scope, behind_proxy=self._behind_proxy)
        tenant = await self._directory.tenant_at(token.tenant_id, caller.host)
        return Visit(tenant, token.message_id, token.position, caller)

    async def _location(self, visit: Visit, number: int) -> bytes:
        links = await self._directory.links(visit.tenant.schema, visit.message_id)
        if links is None or number >= len(links):
            raise BadToken("This link is not valid.")
        link = links[number]
        location = link.location
        if link.needs_contact:
            values = await self._directory.contact(visit.tenant.schema, visit.message_id, visit.position)
            try:
                location = link.filled(values)
            except LettershopError as fault:
                logger.warning("A link of message %s could not be filled: %s", visit.message_id, fault)
        if location is None:
            raise BadToken("This link is not valid.")
        return location

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


_DOORS = frozenset({"/o/", "/c/", "/u/"})
_UNNUMBERED = frozenset({"/o/", "/c/"})


def _refused(method: str, allowed: bytes) -> Answer | None:
    """An answer for methods that are not GET, HEAD or an allowed POST."""
    if method in ("GET", "HEAD") or (method == "POST" and b"POST" in allowed):
        return None
    return options(allowed) if method == "OPTIONS" else not_allowed(allowed)
