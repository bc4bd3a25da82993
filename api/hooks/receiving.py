"""Taking in a webhook's call: kept word for word before it is answered, and applied once."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

from django.db import connection, transaction
from django.utils import timezone

from api.hooks.generic import Told, read_generic
from api.ledger.hooks import HookCall
from common.addresses import InvalidAddress, parse_address
from common.errors import InvalidInput
from contacts.models import SuppressionReason
from contacts.services.suppressing import suppress
from outbound.events import record_events
from outbound.stamping import key_ring
from outbound.states import EventKind
from tenants.scope import current_tenant

LARGEST_BODY = 20 * 1024 * 1024
KEPT_DAYS = 30
_MOST_FORGOTTEN = 1_000  # rows a call: about what it adds, so that the tables stay bounded

_REASONS = {
    EventKind.UNSUBSCRIBE: SuppressionReason.UNSUBSCRIBED,
    EventKind.COMPLAINT: SuppressionReason.COMPLAINT,
    EventKind.BOUNCE_HARD: SuppressionReason.HARD_BOUNCE,
}


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a call. `duplicate`: the same body had come before, and nothing was counted again."""

    call_id: int
    duplicate: bool
    events: int = 0
    applied: int = 0
    duplicates: int = 0
    ignored: int = 0


def receive(*, source: str, body: bytes, content_type: str, caller: str) -> Received:
    """Keep a call and, for the generic source, apply its events, in one transaction. Safe to be told again.

    Raises InvalidInput for an empty or unreadable body; then nothing is kept.
    """
    if not body.strip():
        raise InvalidInput("The body is empty.")
    told = read_generic(body, key_ring()) if source == "generic" else []
    digest = blake2b(body, digest_size=16).digest()
    with transaction.atomic():
        _forget_old()
        call, is_new = _keep(source, digest, body, content_type, caller)
        if is_new and told:
            _apply(call, told)
    if not is_new:
        return Received(call.pk, True, call.events, 0, call.events, 0)
    return Received(call.pk, False, call.events, call.applied, call.duplicates, call.ignored)


def decoded(body: bytes, encoding: str) -> bytes:
    """The body without gzip, if it has any. Raises InvalidInput for what is no gzip or becomes too large."""
    if encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() != "gzip":
        raise InvalidInput("The body may be compressed with gzip, and with nothing else.", field="Content-Encoding")
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(body, LARGEST_BODY + 1)
    except zlib.error:
        raise InvalidInput("The body is no gzip.", field="Content-Encoding") from None
    if len(plain) > LARGEST_BODY or not reader.eof:
        raise InvalidInput(f"Unpacked, the body has more than {LARGEST_BODY // 2**20} MB, or is cut off.")
    if reader.unused_data:
        raise InvalidInput("Something stands behind the end of the gzip.", field="Content-Encoding")
    return plain


def _keep(source: str, digest: bytes, body: bytes, content_type: str, caller: str) -> tuple[HookCall, bool]:
    """Inserted first: of two calls at once one waits here for the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_hookcall (source, digest, content_type, body, caller, deliveries, events, applied,"
            " duplicates, ignored, received_at) VALUES (%s, %s, %s, %s, %s, 1, 0, 0, 0, 0, now())"
            " ON CONFLICT (source, digest) DO UPDATE SET deliveries = ledger_hookcall.deliveries + 1"
            " RETURNING id, deliveries",
            [source, digest, content_type[:120], body, caller[:120]],
        )
        pk, deliveries = cursor.fetchone()
    return HookCall.objects.get(pk=pk), deliveries == 1


def _apply(call: HookCall, told: Sequence[Told]) -> None:
    fresh = _fresh(call.source, told)
    own = current_tenant().pk
    named = [one for one in fresh if one.token is not None and one.token.tenant_id == own]
    recorded = record_events([one.hit() for one in named])
    addressed = _suppress([one for one in fresh if one.token is None])
    call.events = len(told)
    call.applied = recorded.recorded + addressed
    call.duplicates = len(told) - len(fresh) + recorded.repeated
    call.ignored = call.events - call.applied - call.duplicates
    call.save(update_fields=["events", "applied", "duplicates", "ignored"])


def _fresh(source: str, told: Sequence[Told]) -> list[Told]:
    """Those not told before, here or in an earlier call."""
    by_key = {one.key: one for one in reversed(told)}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_hookevent (source, key, received_at)"
            " SELECT %s, k, now() FROM unnest(%s::bytea[]) AS k ORDER BY k"
            " ON CONFLICT (source, key) DO NOTHING RETURNING key",
            [source, list(by_key)],
        )
        new = {bytes(key) for (key,) in cursor.fetchall()}
    return [one for key, one in by_key.items() if key in new][::-1]


def _suppress(told: Sequence[Told]) -> int:
    """Events that name an address and no mail of ours: they can only say that it is not to be mailed."""
    applied = 0
    for kind, reason in _REASONS.items():
        addresses = [one.email for one in told if one.kind == kind and _is_address(one.email)]
        if addresses:
            suppress(reason=reason, origin="generic webhook", addresses=addresses)
        applied += len(addresses)
    return applied


def _is_address(email: str) -> bool:
    """What is none is counted as ignored."""
    try:
        parse_address(email)
    except InvalidAddress:
        return False
    return True


def _forget_old() -> None:
    before = timezone.now() - timedelta(days=KEPT_DAYS)
    with connection.cursor() as cursor:
        for table in ("ledger_hookcall", "ledger_hookevent"):
            cursor.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE received_at < %s"  # noqa: S608
                " ORDER BY received_at LIMIT %s)",
                [before, _MOST_FORGOTTEN],
            )
