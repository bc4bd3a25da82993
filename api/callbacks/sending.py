"""One try: a signed POST, and what came of it. Runs in threads: no database here."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from api.callbacks.signing import headers_for
from common.errors import LettershopError
from common.jsonlog import masked
from common.outgoing import Limits, fetch

TIMEOUT_SECONDS = 15.0
ANSWER_KEPT = 1_024
_LIMITS = Limits(seconds=TIMEOUT_SECONDS, largest=4_096, cut=True)
_LONGEST_ERROR = 500
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
GONE = 410
# With these an endpoint may say when it wants to be asked again (RFC 9110 section 10.2.3, RFC 6585 section 4).
_BUSY = (429, 503)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is posted, and where. `secrets`: see `headers_for`. `aegis`: with the header of Aegis."""

    url: str
    event: str
    body: bytes
    secrets: Sequence[str]
    aegis: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try ended with. `status` None: there was no answer. `error` is empty when it was taken. `asked`: seconds,
    where the endpoint said so."""

    status: int | None
    error: str
    answer: str
    duration_ms: int
    asked: float | None = None

    @property
    def taken(self) -> bool:
        return not self.error

    @property
    def gone(self) -> bool:
        return self.status == GONE


def post(parcel: Parcel, *, limits: Limits = _LIMITS) -> Outcome:
    """Send it once, signed for this moment; no redirect is followed. Never raises for what the other side does."""
    begun = time.monotonic()
    try:
        headers = headers_for(
            parcel.secrets, event=parcel.event, timestamp=int(time.time()), body=parcel.body, aegis=parcel.aegis
        )
        answer = fetch(
            "POST",
            parcel.url,
            headers={"User-Agent": "Lettershop-Webhooks", "Accept-Encoding": "identity", **headers},
            body=parcel.body,
            limits=limits,
        )
    except LettershopError as refusal:
        return Outcome(None, clean(refusal.message, _LONGEST_ERROR), "", _since(begun))
    asked = _retry_after(answer.headers.get("retry-after", "")) if answer.status in _BUSY else None
    told = clean(answer.body[:ANSWER_KEPT].decode("utf-8", "replace"), ANSWER_KEPT)
    return Outcome(answer.status, _fault(answer.status), told, _since(begun), asked)


def clean(text: str, longest: int) -> str:
    """Fit to be kept and shown: without keys, tokens and passwords, and without characters that draw nothing or turn
    the line around."""
    return masked(_UNPRINTABLE.sub(" ", text))[:longest]


def _fault(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"It answered {status}: it leads elsewhere, and redirects are not followed."
    if status == GONE:
        return "It answered 410: it does not want to be told any more."
    return f"It answered {status}."


def _retry_after(text: str) -> float | None:
    """Seconds, or a date (RFC 9110 section 10.2.3); None for neither."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    now = datetime.now(UTC)
    return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds())


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
