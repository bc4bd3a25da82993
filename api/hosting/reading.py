"""The body of `POST /api/v1/emails`: its types are checked here, everything else by the core."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from common import environment
from common.addresses import parse_mailbox
from common.errors import InvalidInput
from outbound.mime.attachments import decoded_base64
from outbound.submission.checks import MOST_ATTACHMENTS, MOST_HEADERS, MOST_RECIPIENTS
from outbound.submission.faults import MissingField, TooManyRecipients
from outbound.submission.types import Attachment, Door, Mailbox, Submission

# What clients of Node's mail libraries write in place of a number.
PRIORITIES = {"high": 1, "normal": 3, "low": 5}
_LARGEST_ATTACHMENT = 10 * 1024 * 1024
_ZONE = re.compile(r"(?:Z|[+-]\d\d:?\d\d)\Z", re.IGNORECASE)
_LONGEST_TIME = 40


def read(body: object) -> Submission:
    """One message. Raises InvalidInput, MissingField and TooLarge with the core's name of the field."""
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object, as in {}.")
    sender = body.get("from")
    if sender in (None, ""):
        raise MissingField("A sender is needed.", field="from")
    scheduled = body.get("scheduledAt")
    return Submission(
        door=Door.HOSTING,
        sender=_sender(sender),
        to=_mailboxes(body, "to", "to"),
        cc=_mailboxes(body, "cc", "cc"),
        bcc=_mailboxes(body, "bcc", "bcc"),
        reply_to=_mailboxes(body, "replyTo", "reply_to"),
        subject=_text(body, "subject"),
        html=_text(body, "html"),
        text=_text(body, "text"),
        headers=_headers(body.get("headers")),
        attachments=_attachments(body.get("attachments")),
        priority=_priority(body.get("priority")),
        send_at=None if scheduled is None else read_moment(scheduled, "send_at"),
        metadata=_metadata(body.get("metadata")),
    )


def largest_attachment() -> int:
    """MAX_ATTACHMENT_SIZE: bytes of one attachment when it is decoded."""
    given: int = getattr(
        settings, "MAX_ATTACHMENT_SIZE", environment.integer("MAX_ATTACHMENT_SIZE", _LARGEST_ATTACHMENT)
    )
    return given


def read_moment(given: object, field: str) -> datetime:
    """A time with its zone (ISO 8601), in UTC. Raises InvalidInput."""
    try:
        if isinstance(given, str) and len(given) <= _LONGEST_TIME and _ZONE.search(given):
            return datetime.fromisoformat(given).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput("This must be a time with its zone, as in 2026-03-01T09:00:00Z.", field=field)


def _text(body: Mapping[str, Any], name: str) -> str:
    given = body.get(name)
    if given is None:
        return ""
    if not isinstance(given, str):
        raise InvalidInput("This must be text.", field=name)
    return given


def _sender(given: object) -> Mailbox:
    """However it is written, the name must not show an address that is not the sender's."""
    mailbox = _mailbox(given, "from")
    if mailbox.name:
        quoted = mailbox.name.replace("\\", "\\\\").replace('"', '\\"')
        _named(f'"{quoted}" <{mailbox.address}>', "from")
    return mailbox


def _mailboxes(body: Mapping[str, Any], name: str, field: str) -> tuple[Mailbox, ...]:
    given = body.get(name)
    if given is None or given == "":
        return ()
    several = given if isinstance(given, list) else [given]
    # The core counts all of them together; here, so that no long list is read to its end.
    if len(several) > MOST_RECIPIENTS:
        raise TooManyRecipients(f"A message goes to at most {MOST_RECIPIENTS} people.", field=field)
    return tuple(_mailbox(one, f"{field}[{index}]") for index, one in enumerate(several))


def _mailbox(given: object, field: str) -> Mailbox:
    if isinstance(given, str):
        return _named(given, field) if "<" in given else Mailbox(given)
    if not isinstance(given, dict):
        raise InvalidInput('This must be text, or an object as in {"address": "ana@example.com"}.', field=field)
    address, name = given.get("address"), given.get("name")
    if not isinstance(address, str):
        raise InvalidInput("The address must be text.", field=f"{field}.address")
    if name is not None and not isinstance(name, str):
        raise InvalidInput("The name must be text.", field=f"{field}.name")
    return Mailbox(address, name or "")


def _named(given: str, field: str) -> Mailbox:
    """`Ana <ana@example.com>`."""
    try:
        name, address = parse_mailbox(given)
    except InvalidInput as error:
        error.field = field
        raise
    return Mailbox(address.text, name)


def _headers(given: object) -> tuple[tuple[str, str], ...]:
    if given is None:
        return ()
    if not isinstance(given, dict):
        raise InvalidInput('This must be an object of texts, as in {"X-Order": "42"}.', field="headers")
    if len(given) > MOST_HEADERS:
        raise InvalidInput(f"A message has at most {MOST_HEADERS} headers of its own.", field="headers")
    for name, value in given.items():
        if not isinstance(value, str):
            raise InvalidInput("A header's value must be text.", field=f"headers.{name}")
    return tuple(given.items())


def _attachments(given: object) -> tuple[Attachment, ...]:
    if given is None:
        return ()
    if not isinstance(given, list):
        raise InvalidInput("This must be a list.", field="attachments")
    if len(given) > MOST_ATTACHMENTS:
        raise InvalidInput(f"A message has at most {MOST_ATTACHMENTS} attachments.", field="attachments")
    return tuple(_attachment(one, f"attachments[{index}]") for index, one in enumerate(given))


def _attachment(given: object, field: str) -> Attachment:
    if not isinstance(given, dict):
        raise InvalidInput('This must be an object with "filename" and "content".', field=field)
    for name in ("filename", "content", "contentType", "cid"):
        if given.get(name) is not None and not isinstance(given[name], str):
            raise InvalidInput("This must be text.", field=f"{field}.{name}")
    for name in ("filename", "content"):
        if not given.get(name):
            raise MissingField("An attachment has a filename and a content.", field=f"{field}.{name}")
    return Attachment(
        filename=given["filename"],
        content=decoded_base64(given["content"], field=f"{field}.content", at_most=largest_attachment()),
        content_type=given.get("contentType") or "",
        content_id=given.get("cid") or "",
    )


def _priority(given: object) -> int:
    if given is None:
        return PRIORITIES["normal"]
    if isinstance(given, str) and given in PRIORITIES:
        return PRIORITIES[given]
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= 5:
        raise InvalidInput("The priority is a number from 1 (first) to 5, or high, normal or low.", field="priority")
    return given


def _metadata(given: object) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InvalidInput("This must be an object.", field="metadata")
    return given
