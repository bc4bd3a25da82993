"""The inbox over HTTP, as an ASGI application: pages for people, JSON for programs."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from embedded.catcher import pages
from embedded.catcher.html_part import framed, policy
from embedded.catcher.http import (
    Receive,
    Request,
    Response,
    Scope,
    Send,
    as_json,
    page,
    redirect,
    request_of,
    respond,
)
from embedded.catcher.links import links_of
from embedded.catcher.mime import ParsedMail, parse_mail
from embedded.catcher.store import CaughtMail, MailStore, Query
from embedded.catcher.wording import moment

logger = logging.getLogger(__name__)

_PAGE_SIZE = 50
_MOST_AT_ONCE = 1000
_DEEPEST = 10_000_000


class NotThere(Exception):
    """There is no mail, or no attachment, of that number."""


class Inbox:
    """The application; `store` is asked in threads, because it blocks."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = request_of(scope)
        try:
            response = await self._answer(request)
        except NotThere:
            response = _problem(request, 404, "There is no such mail; it may have been deleted.")
        except Exception:
            logger.exception("%s %s failed", request.method, request.path[:200])
            response = _problem(request, 500, "This page could not be made. The log says why.")
        await respond(send, response, with_body=request.method != "HEAD")

    async def _answer(self, request: Request) -> Response:
        allowed = set()
        for method, path, view in _ROUTES:
            found = path.fullmatch(request.path)
            if found is None:
                continue
            allowed.add(method)
            if method == request.method or (method, request.method) == ("GET", "HEAD"):
                return await view(self, request, *(int(number) for number in found.groups()))
        if not allowed:
            return _problem(request, 404, "There is no such page.")
        refused = _problem(request, 405, "That is not possible here.")
        return Response(refused.body, refused.kind, 405, {"allow": ", ".join(sorted(allowed))})

    # --- pages

    async def inbox(self, request: Request) -> Response:
        query = _query(request)
        number = request.number("page", 0, most=_DEEPEST)
        mails, total = await asyncio.to_thread(self._list, query, _PAGE_SIZE, number * _PAGE_SIZE)
        return page(pages.inbox(mails, query=query, total=total, page=number, page_size=_PAGE_SIZE))

    async def mail(self, request: Request, mail_id: int) -> Response:
        return page(await asyncio.to_thread(self._mail_page, request, mail_id))

    async def html_part(self, request: Request, mail_id: int) -> Response:
        parsed = await asyncio.to_thread(self._parsed, mail_id)
        if parsed.html is None:
            raise NotThere
        rules = policy(remote_pictures=request.query.get("pictures") == "1")
        body = await asyncio.to_thread(framed, parsed)
        return Response(body.encode("utf-8", "replace"), headers={"content-security-policy": rules})

    async def attachment(self, request: Request, mail_id: int, number: int) -> Response:
        parsed = await asyncio.to_thread(self._parsed, mail_id)
        if number >= len(parsed.attachments):
            raise NotThere
        part = parsed.attachments[number]
        name = re.sub(r"[^A-Za-z0-9._-]", "_", part.filename)[-100:] or f"part-{number + 1}"
        return _download(await asyncio.to_thread(part.content), "application/octet-stream", name)

    async def eml(self, request: Request, mail_id: int) -> Response:
        _, raw = await asyncio.to_thread(self._get, mail_id)
        return _download(raw, "message/rfc822", f"mail-{mail_id}.eml")

    async def clear_page(self, request: Request) -> Response:
        if request.comes_from_another_site():
            return _problem(request, 403, "Another site asked for this.")
        await asyncio.to_thread(self._store.clear)
        return redirect("/")

    async def style(self, request: Request) -> Response:
        return _static("style.css")

    async def script(self, request: Request) -> Response:
        return _static("inbox.js")

    async def icon(self, request: Request) -> Response:
        return _static("icon.svg")

    # --- JSON

    async def api_list(self, request: Request) -> Response:
        limit = request.number("limit", _PAGE_SIZE, most=_MOST_AT_ONCE)
        offset = request.number("offset", 0, most=_DEEPEST)
        mails, total = await asyncio.to_thread(self._list, _query(request), limit, offset)
        return as_json({"total": total, "mails": [_described(mail) for mail in mails]})

    async def api_mail(self, request: Request, mail_id: int) -> Response:
        return as_json(await asyncio.to_thread(self._in_full, mail_id))

    async def api_raw(self, request: Request, mail_id: int) -> Response:
        _, raw = await asyncio.to_thread(self._get, mail_id)
        return Response(raw, "message/rfc822")

    async def api_count(self, request: Request) -> Response:
        return as_json({"count": await asyncio.to_thread(self._store.count, _query(request))})

    async def api_clear(self, request: Request) -> Response:
        if request.comes_from_another_site():
            return _problem(request, 403, "Another site asked for this.")
        return as_json({"deleted": await asyncio.to_thread(self._store.clear)})

    # --- in a thread

    def _list(self, query: Query, limit: int, offset: int) -> tuple[list[CaughtMail], int]:
        return self._store.page(query, limit=limit, offset=offset), self._store.count(query)

    def _get(self, mail_id: int) -> tuple[CaughtMail, bytes]:
        found = self._store.get(mail_id)
        if found is None:
            raise NotThere
        return found

    def _parsed(self, mail_id: int) -> ParsedMail:
        return parse_mail(self._get(mail_id)[1])

    def _mail_page(self, request: Request, mail_id: int) -> str:
        caught, raw = self._get(mail_id)
        parsed = parse_mail(raw)
        return pages.mail(
            caught,
            raw,
            parsed,
            view=request.query.get("view") or pages.first_view(parsed),
            pictures=request.query.get("pictures") == "1",
            narrow=request.query.get("narrow") == "1",
            neighbours=self._store.neighbours(mail_id),
        )

    def _in_full(self, mail_id: int) -> dict[str, object]:
        caught, raw = self._get(mail_id)
        parsed = parse_mail(raw)
        return {
            **_described(caught),
            "headers": [list(field) for field in parsed.fields],
            "text": parsed.text,
            "html": parsed.html,
            "links": links_of(parsed),
            "attachments": [
                {"filename": part.filename, "content_type": part.kind, "size": len(part.content())}
                for part in parsed.attachments
            ],
            "incomplete": parsed.incomplete,
        }


def _described(mail: CaughtMail) -> dict[str, object]:
    described = asdict(mail)
    return {
        "id": described["id"],
        "received_at": moment(mail.received),
        "sender": described["sender"],
        "recipients": list(mail.recipients),
        "from": described["author"],
        "subject": described["subject"],
        "size": described["size"],
    }


def _query(request: Request) -> Query:
    return Query(to=request.query.get("to", "")[:320], search=request.query.get("search", "")[:200])


def _problem(request: Request, status: int, sentence: str) -> Response:
    if request.path.startswith("/api/"):
        return as_json({"error": sentence}, status)
    return page(pages.problem(status, sentence), status)


def _download(body: bytes, kind: str, name: str) -> Response:
    return Response(body, kind, headers={"content-disposition": f'attachment; filename="{name}"'})


def _static(name: str) -> Response:
    kind, body = pages.STATIC[name]
    return Response(body, kind, headers={"cache-control": "public, max-age=300"})


_ROUTES: list[tuple[str, re.Pattern[str], Callable[..., Awaitable[Response]]]] = [
    (method, re.compile(path), view)
    for method, path, view in (
        ("GET", r"/", Inbox.inbox),
        ("POST", r"/clear", Inbox.clear_page),
        ("GET", r"/mails/([0-9]{1,15})", Inbox.mail),
        ("GET", r"/mails/([0-9]{1,15})/html", Inbox.html_part),
        ("GET", r"/mails/([0-9]{1,15})/mail\.eml", Inbox.eml),
        ("GET", r"/mails/([0-9]{1,15})/attachments/([0-9]{1,4})", Inbox.attachment),
        ("GET", r"/style\.css", Inbox.style),
        ("GET", r"/inbox\.js", Inbox.script),
        ("GET", r"/icon\.svg", Inbox.icon),
        ("GET", r"/api/mails", Inbox.api_list),
        ("DELETE", r"/api/mails", Inbox.api_clear),
        ("GET", r"/api/mails/([0-9]{1,15})", Inbox.api_mail),
        ("GET", r"/api/mails/([0-9]{1,15})/raw", Inbox.api_raw),
        ("GET", r"/api/count", Inbox.api_count),
    )
]
