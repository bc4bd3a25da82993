"""What is told of a submitted message: in lists, on a page of its own, and as a history. No Django, no database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from outbound.submission.types import Door, Mailbox, SubmissionState


class Standing(StrEnum):
    """Where one recipient of a submitted message stands."""

    SCHEDULED = "scheduled"  # its time has not come
    QUEUED = "queued"  # waits for its first try
    PROCESSING = "processing"  # in a sender's hands
    DEFERRED = "deferred"  # refused for now, tried again
    SENT = "sent"  # the provider took it
    DELIVERED = "delivered"  # the provider says that the mailbox took it
    BOUNCED = "bounced"  # refused for good, at once or later
    FAILED = "failed"  # could not be sent
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"  # was on the suppression list when its turn came
    IN_DOUBT = "in_doubt"  # handed over, no answer
    COMPLAINED = "complained"  # delivered, and marked as spam


class Moment(StrEnum):
    """What can stand in a message's history."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"  # the text is the time it was put off to, in ISO 8601
    DEFERRED = "deferred"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages are wanted; what is left empty narrows nothing.

    `state` is a SubmissionState, `states` any of several. `processing`: whether a sender has it in hand. `sender` and
    `recipient` are whole addresses, a recipient may be one of cc or bcc. Both ends of the time are included.
    """

    state: str = ""
    processing: bool | None = None
    sender: str = ""
    recipient: str = ""
    created_from: datetime | None = None
    created_to: datetime | None = None
    campaign: str = ""
    user: str = ""
    door: str = ""
    key_id: int | None = None
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """A message as lists show it. `public_id` has no prefix. `queued_at` is when it was accepted, `processed_at` when
    its last recipient had an outcome."""

    message_id: int
    public_id: str
    door: Door
    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    subject: str
    state: SubmissionState
    processing: bool
    priority: int
    campaign: str
    user: str
    metadata: Mapping[str, Any]
    queued_at: datetime
    send_at: datetime | None
    processed_at: datetime | None
    error: str
    retries: int


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some messages, newest first. `total`: how many there are in all; where `is_capped`, at least so many."""

    messages: tuple[MessageSummary, ...]
    total: int
    is_capped: bool = False


@dataclass(frozen=True, slots=True)
class AttachmentNote:
    """An attachment without its content. `size` in bytes."""

    filename: str
    content_type: str
    size: int
    content_id: str


@dataclass(frozen=True, slots=True)
class RecipientStanding:
    """What became of one recipient so far. `attempts`: tries that were begun; `code` and `reason` are the last reply."""

    kind: str
    email: str
    name: str
    state: Standing
    attempts: int
    code: int | None
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened; without an email it is about the message as a whole."""

    at: datetime
    kind: Moment
    email: str = ""
    provider: str = ""
    code: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class MessageDetail(MessageSummary):
    """All that is known of a message. `headers`: as sent, in order, Message-ID and Date first; `size` in bytes."""

    html: str
    text: str
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[AttachmentNote, ...]
    reply_to: tuple[Mailbox, ...]
    provider: str
    provider_reference: str
    size: int
    recipients: tuple[RecipientStanding, ...]
    timeline: tuple[TimelineEntry, ...]
