"""News as senders and recorders write them, a receiver that checks signatures by itself, and a courier's turn."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from api.callbacks.courier import Turn, carry
from api.callbacks.endpoints import EndpointDraft, create_endpoint
from api.callbacks.models import Delivery, Endpoint
from api.callbacks.pumping import pump_news
from tests.common.web_server import Asked, WebServer, web_server

MONTH = datetime.now(UTC).date().replace(day=1)
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def news(kind: str, message: int = 1, *, position: int = 0, at: datetime | None = None, **more: Any) -> None:
    """One row as a sender writes it, also where nobody listens."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_news (at, kind, month, message_id, position, attempt, code, detail)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                at or datetime.now(UTC),
                kind,
                MONTH,
                message,
                position,
                more.get("attempt"),
                more.get("code"),
                json.dumps(more.get("detail", {})),
            ],
        )


def waiting_news() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM outbound_news")
        return int(cursor.fetchone()[0])


def listeners() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind FROM outbound_listener")
        return {kind for (kind,) in cursor.fetchall()}


def endpoint(url: str, *kinds: str, format: str = "standard", secret: str = SECRET, description: str = "") -> Endpoint:
    draft = EndpointDraft(url=url, kinds=kinds or ("*",), format=format, description=description)
    return create_endpoint(draft, secret=secret)[0]


def turn() -> Turn:
    """All that is due now."""
    return carry(seconds=30)


def all_due() -> None:
    """As if the time until the next try had passed."""
    Delivery.objects.update(due_at=datetime(2020, 1, 1, tzinfo=UTC))
    Endpoint.objects.update(resting_until=None)


def one() -> Delivery:
    pump_news()
    return Delivery.objects.get()


@dataclass
class Receiver:
    """A customer's program. `answers` are given first, then 200; it notes what it was told, and refuses with 401 what is
    not signed with one of its secrets, or was signed more than five minutes ago."""

    secrets: list[str] = field(default_factory=lambda: [SECRET])
    answers: list[Callable[[Asked], None]] = field(default_factory=list)
    told: list[Asked] = field(default_factory=list)
    refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> None:
        with self.lock:
            self.told.append(asked)
            answer = self.answers.pop(0) if self.answers else None
        if not any(is_signed(asked, secret) for secret in self.secrets):
            self.refused += 1
            asked.answer(401)
        elif answer:
            answer(asked)
        else:
            asked.answer(200, b"thanks")

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(asked.body) for asked in self.told]


def is_signed(asked: Asked, secret: str, *, now: float | None = None) -> bool:
    """What a client of Standard Webhooks does, written from its specification."""
    headers = asked.headers
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs((now or time.time()) - int(stamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{stamp}.".encode() + asked.body
    own = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    given = [part.split(",", 1) for part in headers.get("webhook-signature", "").split(" ")]
    return any(version == "v1" and hmac.compare_digest(text, own) for version, text in given)


@contextmanager
def receiving(receiver: Receiver) -> Iterator[WebServer]:
    with web_server(receiver) as server:
        yield server


def status(code: int, body: bytes = b"", **headers: str) -> Callable[[Asked], None]:
    return lambda asked: asked.answer(code, body, **headers)
