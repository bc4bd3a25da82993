"""The relay's tracking addresses: readable parameters with a signature. A bad signature does nothing for anyone."""

import re
from collections.abc import Mapping
from contextlib import suppress

from api.public import pages
from api.public.answers import PIXEL_ANSWER, Answer, Receive, Scope, not_allowed, options, redirect
from api.public.directory import Directory, TenantEntry
from api.public.links import safe_location
from api.public.recorder import Recorder
from api.public.requests import BadForm, Caller, only_once, read_form
from api.public.signed_urls import Purpose, UrlSigner
from api.public.unsubscribing import Unsubscriber
from api.public.visits import Visit
from common.addresses import InvalidAddress, parse_address
from common.tokens import BadToken
from outbound.recording import clean_text
from outbound.states import EventKind

# One id, two spellings: the relay's and Aegis'.
_MESSAGE_ID = re.compile(r"msg[-_]([0-9]{1,12})").fullmatch
_POSITION = re.compile(r"[0-9]{1,9}").fullmatch
_SIGNED: Mapping[Purpose, tuple[str, ...]] = {
    "pixel": ("mid", "rid"),
    "click": ("mid", "rid", "url"),
    "unsubscribe": ("email", "campaign_id", "mid", "rid"),
}


class SignedDoors:
    PATHS = frozenset({"/webhook/pixel", "/webhook/click", "/webhook/unsubscribe"})

    def __init__(self, signer: UrlSigner, directory: Directory, recorder: Recorder, unsubscriber: Unsubscriber) -> None:
        self._signer = signer
        self._directory = directory
        self._recorder = recorder
        self._unsubscriber = unsubscriber

    async def answer(self, scope: Scope, receive: Receive, caller: Caller) -> Answer:
        """Raises BadToken, BadForm and psycopg.Error."""
        method, path = scope["method"], scope["path"].rstrip("/")
        if path not in self.PATHS:
            raise BadToken("This link is not valid.")
        allowed = b"GET, HEAD, POST, OPTIONS" if path == "/webhook/unsubscribe" else b"GET, HEAD, OPTIONS"
        if method.encode() not in allowed.split(b", "):
            return not_allowed(allowed)
        if method == "OPTIONS":
            return options(allowed)
        fields = only_once(scope["query_string"].decode("latin-1"))
        if path == "/webhook/unsubscribe":
            return await self._unsubscribe(scope, receive, fields, caller)
        return await self._count(fields, caller, method=method, clicked=path == "/webhook/click")

    async def _count(self, fields: Mapping[str, str], caller: Caller, *, method: str, clicked: bool) -> Answer:
        tenant = await self._tenant("click" if clicked else "pixel", fields, caller)
        visit = Visit(tenant, *_recipient(fields), caller)
        if not clicked:
            if method == "GET":
                self._recorder.add(tenant.schema, visit.hit(EventKind.OPEN))
            return PIXEL_ANSWER
        location = safe_location(fields["url"])
        if location is None:
            raise BadToken("This link is not valid.")
        if method == "GET":
            link = await self._number(visit, location)
            self._recorder.add(tenant.schema, visit.hit(EventKind.CLICK, link))
        return redirect(location)

    async def _unsubscribe(self, scope: Scope, receive: Receive, query: dict[str, str], caller: Caller) -> Answer:
        """The signed fields stand in the address, as for one-click unsubscribing, or in the form."""
        form = await read_form(scope, receive) if scope["method"] == "POST" else {}
        if query.keys() & form.keys():
            raise BadForm
        fields = {**query, **form}
        tenant = await self._tenant("unsubscribe", fields, caller)
        if scope["method"] != "POST":
            return pages.unsubscribe_page(tenant.name)
        try:
            address = parse_address(fields.get("email", ""))
        except InvalidAddress:
            raise BadForm from None
        campaign = clean_text(fields.get("campaign_id", ""), 80)
        await self._unsubscriber.by_address(
            tenant.schema,
            address,
            origin=f"unsubscribe form, campaign {campaign}" if campaign else "unsubscribe form",
            note=clean_text(fields.get("reason", "")),
        )
        if "mid" in fields:
            visit = Visit(tenant, *_recipient(fields), caller)
            # The address is suppressed already; a message that is gone has nothing to count.
            with suppress(BadToken):
                await self._unsubscriber.by_recipient(tenant.schema, visit.hit(EventKind.UNSUBSCRIBE))
        return pages.unsubscribed_page(tenant.name)

    async def _tenant(self, purpose: Purpose, fields: Mapping[str, str], caller: Caller) -> TenantEntry:
        signed = {name: fields[name] for name in _SIGNED[purpose] if name in fields}
        tenant_id = self._signer.tenant_of(purpose, signed, fields.get("sig", ""))
        return await self._directory.tenant_at(tenant_id, caller.host)

    async def _number(self, visit: Visit, location: bytes) -> int | None:
        """The link's number in the message's table, so that its clicks are counted by link."""
        links = await self._directory.links(visit.tenant.schema, visit.message_id) or ()
        return next((number for number, link in enumerate(links) if link.location == location), None)


def _recipient(fields: Mapping[str, str]) -> tuple[int, int]:
    message = _MESSAGE_ID(fields.get("mid", ""))
    position = _POSITION(fields.get("rid", ""))
    if message is None or position is None:
        raise BadToken("This link is not valid.")
    return int(message[1]), int(position[0])
