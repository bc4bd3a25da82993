"""The generic webhook's words: one event, a list of them, or `{"events": [...]}`, each a small JSON object."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from django.utils.dateparse import parse_datetime

from common.errors import InvalidInput
from common.tokens import BadToken, KeyRing, RecipientToken
from outbound.recording import Hit, clean_ip, clean_text
from outbound.recording.hits import LONGEST_AGENT
from outbound.states import EventKind

MOST_EVENTS = 10_000
_KINDS: Mapping[str, EventKind] = {
    "delivered": EventKind.DELIVERY,
    "opened": EventKind.OPEN,
    "clicked": EventKind.CLICK,
    "unsubscribed": EventKind.UNSUBSCRIBE,
    "complained": EventKind.COMPLAINT,
    "blocked": EventKind.BLOCK,
}
EVENTS = (*_KINDS, "bounced")
_HEX = re.compile(r"[0-9a-f]{48}", re.IGNORECASE)
_URL_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}\Z")


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it was told. `token` is None where no mail of ours is named; then `email` may be."""

    key: bytes
    kind: EventKind
    token: RecipientToken | None
    email: str
    at: datetime
    link: int | None
    ip: str | None
    agent: str | None
    detail: str | None

    def hit(self) -> Hit:
        """For a told event with a token."""
        assert self.token is not None
        return Hit(
            self.kind, self.token.message_id, self.token.position, self.at, self.link, self.ip, self.agent, self.detail
        )


class NotJson(InvalidInput):
    """A body that cannot be read at all."""

    code = "parse_error"


def read_generic(body: bytes, keys: KeyRing) -> list[Told]:
    """All events of a body. Raises NotJson, and InvalidInput with the place of the first that cannot be read; then none counts."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise NotJson("The body is not JSON.", hint="Send one event, or a list of events.") from None
    events = data.get("events", [data]) if isinstance(data, dict) else data
    if not isinstance(events, list) or not events:
        raise InvalidInput("There is no event in the body.", field="events")
    if len(events) > MOST_EVENTS:
        raise InvalidInput(f"There are more than {MOST_EVENTS:,} events in one call.", field="events")
    return [_told(event, f"events.{index}", keys) for index, event in enumerate(events)]


def _told(event: Any, place: str, keys: KeyRing) -> Told:
    if not isinstance(event, dict):
        raise InvalidInput("An event is a JSON object.", field=place)
    name = _text(event, "event", place).lower()
    if name not in EVENTS:
        raise InvalidInput(f"The event is one of {', '.join(EVENTS)}.", field=f"{place}.event")
    email, message = _text(event, "email", place), _text(event, "message_id", place)
    if not email and not message:
        raise InvalidInput("An event names a message_id or an email.", field=f"{place}.message_id")
    return Told(
        key=_key(event, place),
        kind=_kind(name, _text(event, "bounce_type", place).lower(), place),
        token=_token(message, keys),
        email=email,
        at=_moment(_text(event, "timestamp", place), place),
        link=_link(event.get("link"), place),
        ip=clean_ip(_text(event, "ip", place) or None),
        agent=clean_text(_text(event, "user_agent", place), LONGEST_AGENT) or None,
        detail=clean_text(_text(event, "reason", place)) or None,
    )


def _text(event: dict[str, Any], name: str, place: str) -> str:
    value = event.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput("This must be text.", field=f"{place}.{name}")
    return value.strip()


def _kind(name: str, bounce_type: str, place: str) -> EventKind:
    if name != "bounced":
        return _KINDS[name]
    if bounce_type not in ("hard", "soft"):
        raise InvalidInput("A bounce is hard or soft.", field=f"{place}.bounce_type")
    return EventKind.BOUNCE_HARD if bounce_type == "hard" else EventKind.BOUNCE_SOFT


def _moment(text: str, place: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 2000 <= moment.year <= 2200:
        message = "This must be a time with its zone, as in 2026-03-01T09:00:00Z."
        raise InvalidInput(message, field=f"{place}.timestamp")
    return min(moment, datetime.now(UTC))


def _link(value: object, place: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 32_768:
        raise InvalidInput("A link is given by its number in the message.", field=f"{place}.link")
    return value


def _token(message: str, keys: KeyRing) -> RecipientToken | None:
    """From a Message-ID, an envelope sender or a link's token; None when it is none of ours."""
    found = _HEX.search(message)
    try:
        if found:
            return keys.read_hex(found.group().lower())
        return keys.read(message) if _URL_TOKEN.match(message) else None
    except BadToken:
        return None


def _key(event: dict[str, Any], place: str) -> bytes:
    """Its own id, or all that it says."""
    own = event.get("event_id")
    if own is not None and not (isinstance(own, str) and 0 < len(own) <= 255):
        raise InvalidInput("An event's id is a text of up to 255 characters.", field=f"{place}.event_id")
    said = f"id {own}" if own else json.dumps(event, sort_keys=True)
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()
