"""Stored messages made into letters: once for all recipients of a batch."""

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from common.errors import LettershopError
from deliverability.dkim import DkimSigner
from deliverability.services.domains import domain_of, signers_of
from outbound.mime.letter import CompiledLetter, Letter, compile_letter
from outbound.posting.statements import for_schema
from outbound.posting.types import Mailroom
from outbound.stamping import Sender, key_ring, make_stamp
from outbound.submission.ids import public_id
from outbound.submission.types import Attachment, Mailbox
from tenants.models import Tenant
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)

_REMEMBERED_SECONDS = 15.0
_MOST_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What mail of one sender's domain goes out with."""

    message_id_domain: str
    bounce_domain: str
    tracking_base: str
    signers: tuple[DkimSigner, ...]
    slug: str


class Letterheads:
    """Domains and signing keys, remembered for some seconds: loading a key costs more than signing a hundred mails."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[float, Letterhead]] = {}
        self._lock = threading.Lock()

    def of(self, room: Mailroom, from_address: str) -> Letterhead:
        key = (room.schema, from_address.rpartition("@")[2].lower())
        held = self._known.get(key)
        if held and held[0] > time.monotonic():
            return held[1]
        head = _letterhead(room, from_address)
        with self._lock:
            if len(self._known) > _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = (time.monotonic() + _REMEMBERED_SECONDS, head)
        return head

    def compile_all(
        self, connection: psycopg.Connection[Any], room: Mailroom, contents: Mapping[int, tuple[Any, ...]]
    ) -> dict[int, CompiledLetter | str]:
        """Each message as a letter, or in words why it cannot be one."""
        attachments = _attachments(connection, room.schema, contents)
        letters: dict[int, CompiledLetter | str] = {}
        for message_id, row in contents.items():
            head = self.of(room, row[1])
            try:
                letters[message_id] = compile_letter(_letter(room, head, row, attachments.get(message_id, ())))
            except LettershopError as error:
                letters[message_id] = f"could not be built: {error}"
            except Exception as error:  # content that no test foresaw: this message fails, loudly, the others go on
                log.exception("a message could not be built", extra={"schema": room.schema, "message_id": message_id})
                letters[message_id] = f"could not be built: {error}"
        _keep_links(connection, room.schema, letters)
        return letters


def _letterhead(room: Mailroom, from_address: str) -> Letterhead:
    with tenant_scope(Tenant.objects.get(schema_name=room.schema)) as tenant:
        stamp = make_stamp(Sender(from_address))
        domain = domain_of(from_address)
        return Letterhead(
            str(stamp["message_id_domain"]),
            str(stamp["bounce_domain"]),
            str(stamp["tracking_base"]),
            signers_of(domain) if domain else (),
            tenant.slug,
        )


def _letter(room: Mailroom, head: Letterhead, row: tuple[Any, ...], attachments: tuple[Attachment, ...]) -> Letter:
    message_id, from_address, from_name, reply_to, recipients, subject, html, text, headers, tracked, created_at, *_ = (
        row
    )
    people = [(one["kind"], Mailbox(one["email"], one.get("name", ""))) for one in recipients]
    return Letter(
        sender=Mailbox(from_address, from_name),
        to=tuple(mailbox for kind, mailbox in people if kind == "to"),
        cc=tuple(mailbox for kind, mailbox in people if kind == "cc"),
        reply_to=tuple(Mailbox(address, name) for address, name in reply_to),
        subject=subject,
        html=html,
        text=text,
        headers=tuple((name, value) for name, value in headers),
        attachments=attachments,
        date=created_at,
        signed_at=datetime.now(UTC),
        message_id=f"{public_id(room.tenant_id, message_id)}@{head.message_id_domain}",
        bounce_domain=head.bounce_domain,
        tenant_id=room.tenant_id,
        number=message_id,
        keys=key_ring(),
        signers=head.signers,
        tracking_base=head.tracking_base,
        track_opens=tracked,
        track_clicks=tracked,
        feedback_id=f"{message_id}:{head.slug}:single:lettershop",
    )


def _attachments(
    connection: psycopg.Connection[Any], schema: str, contents: Mapping[int, tuple[Any, ...]]
) -> dict[int, tuple[Attachment, ...]]:
    given = {"months": [row[14] for row in contents.values()], "messages": list(contents)}
    found: dict[int, tuple[Attachment, ...]] = {}
    with connection.cursor(binary=True) as cursor:
        for message_id, name, content_type, content_id, content in cursor.execute(
            for_schema(schema).attachments, given
        ):
            one = Attachment(name, bytes(content), content_type, content_id)
            found[message_id] = (*found.get(message_id, ()), one)
    return found


def _keep_links(connection: psycopg.Connection[Any], schema: str, letters: Mapping[int, CompiledLetter | str]) -> None:
    """A tracked link is a number: what it stands for must be known before the mail is."""
    links = {
        message_id: json.dumps([asdict(link) for link in letter.links])
        for message_id, letter in letters.items()
        if isinstance(letter, CompiledLetter) and letter.links
    }
    if links:
        connection.execute(for_schema(schema).keep_links, {"messages": list(links), "links": list(links.values())})
