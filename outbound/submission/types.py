"""What a program hands in, and what it is told. No Django, no database: doors and senders meet here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Door(StrEnum):
    """Through which dialect a message came; also the part of `Message.origin` behind "single:"."""

    AEGIS = "aegis"
    GATEWAY = "gateway"
    RELAY = "relay"
    HOSTING = "hosting"
    SMTP = "smtp"


class SubmissionState(StrEnum):
    """Where a submitted message stands as a whole: the least finished of its recipients decides, of finished ones the worst."""

    SCHEDULED = "scheduled"  # its time has not come
    QUEUED = "queued"  # waits for its first try, or is in a sender's hands ("processing" in the relay's words)
    DEFERRED = "deferred"  # refused for now (4xx), tried again
    SENT = "sent"  # the provider took it
    DELIVERED = "delivered"  # the provider says that the mailbox took it
    BOUNCED = "bounced"  # refused for good, at once or later
    FAILED = "failed"  # could not be sent: given up, refused for our sake, suppressed since
    CANCELLED = "cancelled"
    IN_DOUBT = "in_doubt"  # handed over, no answer: not known whether the provider took it


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address as it was given, with the name beside it."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """`content_type` is what the caller says, or "": then it is told from name and content. With a `content_id` it is an
    image that the HTML shows as cid:…"""

    filename: str
    content: bytes = field(repr=False)
    content_type: str = ""
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """One message to a few people, as a dialect read it. Nothing of it is checked yet.

    `sender` None: the tenant's own. Every recipient gets a copy of its own; bcc is in no header. `priority`: 1 (first)
    to 5. `send_at`: not before, None: now. `variables`: subject, HTML and text are templates that get these; None: they
    are taken as they are.
    """

    door: Door
    to: tuple[Mailbox, ...]
    subject: str
    html: str = ""
    text: str = ""
    sender: Mailbox | None = None
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    priority: int = 3
    send_at: datetime | None = None
    variables: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    campaign: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Submitter:
    """Whose quota it counts against. Without a key only the tenant's counts."""

    key_id: int | None = None
    daily_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """It is kept and will be sent. `public_id` has no prefix: dialects put `msg_` or `msg-` before it."""

    message_id: int
    public_id: str
    state: SubmissionState
    queued_at: datetime
    send_at: datetime | None
    quota_limit: int | None = None
    quota_left: int | None = None
