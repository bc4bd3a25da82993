"""What can be said about a submission without asking anybody: its addresses, headers, sizes and times."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from common.addresses import InvalidAddress, check_shown_name, parse_address, parse_mailbox
from common.errors import InvalidInput
from common.headers import check_header_name, check_header_value
from outbound.mime.attachments import checked_attachment
from outbound.mime.personalizing import personalized
from outbound.submission.faults import MissingField, TooLarge, TooManyRecipients
from outbound.submission.types import Mailbox, Submission

MOST_RECIPIENTS = 100
LARGEST_MESSAGE = 26_214_400  # bytes: what the relay's EHLO says
MOST_ATTACHMENTS = 100
MOST_HEADERS = 50
LONGEST_SUBJECT = 998
LONGEST_REFERENCE = 200
LONGEST_NAME = 200
LARGEST_METADATA = 16_384
LATEST_SENDING = timedelta(days=366)

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class To:
    """One recipient: `key` is equal for all spellings of an address."""

    kind: str
    email: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission that can be stored as it is. `sender` None: the tenant's own. `size`: bytes of its parts."""

    submission: Submission
    recipients: tuple[To, ...]
    sender: Mailbox | None
    sender_domain: str
    headers: str
    reply_to: str
    metadata: str
    size: int


def checked(submission: Submission, *, now: datetime) -> Checked:
    """The submission with its templates filled and its attachments' types told. Raises InvalidInput with the field."""
    recipients = _recipients(submission)
    sender, domain = _sender(submission.sender)
    headers, reply_to = _headers(submission)
    _check_words(submission, now)
    if not submission.html and not submission.text:
        raise MissingField("There is nothing to send.", field="text", hint="Give a text, HTML, or both.")
    _check_bodies(submission)
    metadata = _metadata(submission)
    filled = personalized(submission) if submission.variables is not None else submission
    if filled is not submission:
        _check_subject(filled.subject)
        _check_bodies(filled)
    if len(filled.attachments) > MOST_ATTACHMENTS:
        raise InvalidInput(f"A message has at most {MOST_ATTACHMENTS} attachments.", field="attachments")
    if filled.attachments:
        attachments = [checked_attachment(one, field=f"attachments[{n}]") for n, one in enumerate(filled.attachments)]
        filled = replace(filled, attachments=tuple(attachments))
    size = _size(filled)
    return Checked(filled, recipients, sender, domain, _json(headers), _json(reply_to), metadata, size)


def _json(pairs: list[list[str]]) -> str:
    return json.dumps(pairs) if pairs else "[]"


def _recipients(submission: Submission) -> tuple[To, ...]:
    """Who is named twice gets it once, as whom he was named first."""
    groups = (("to", submission.to), ("cc", submission.cc), ("bcc", submission.bcc))
    if not submission.to:
        raise MissingField("There is nobody to send it to.", field="to")
    if sum(len(given) for _, given in groups) > MOST_RECIPIENTS:
        raise TooManyRecipients(
            f"A message goes to at most {MOST_RECIPIENTS} people.",
            field="to",
            hint="Send a campaign, or several messages.",
        )
    found: dict[str, To] = {}
    for kind, given in groups:
        for number, mailbox in enumerate(given):
            one = _to(kind, mailbox, f"{kind}[{number}]")
            found.setdefault(one.key, one)
    return tuple(found.values())


def _to(kind: str, mailbox: Mailbox, field: str) -> To:
    try:
        address = parse_address(mailbox.address)
    except InvalidAddress as error:
        raise InvalidAddress(error.fault, field=field) from None
    return To(kind, address.text, _name(mailbox.name, field), address.key)


def _sender(mailbox: Mailbox | None) -> tuple[Mailbox | None, str]:
    if mailbox is None:
        return None, ""
    one = _to("from", mailbox, "from")
    try:
        check_shown_name(one.name, parse_address(one.email))
    except InvalidInput as error:
        raise InvalidInput(error.message, field="from") from None
    return Mailbox(one.email, one.name), one.key.rpartition("@")[2]


def _headers(submission: Submission) -> tuple[list[list[str]], list[list[str]]]:
    """The caller's own header fields, and whom to answer, which may be given as one of them."""
    if len(submission.headers) > MOST_HEADERS:
        raise InvalidInput(f"A message has at most {MOST_HEADERS} headers of its own.", field="headers")
    reply_to = [_to("reply_to", mailbox, f"reply_to[{n}]") for n, mailbox in enumerate(submission.reply_to)]
    kept: list[list[str]] = []
    for name, value in submission.headers:
        field = f"headers.{name[:80]}"
        lowered = _own(check_header_name, name, field).lower()
        if lowered == "subject":
            raise InvalidInput("The subject has a field of its own.", field=field)
        _own(check_header_value, value, field)
        if lowered == "reply-to":
            reply_to += _answered(value, reply_to, field)
        else:
            kept.append([name, value])
    return kept, [[one.email, one.name] for one in reply_to]


def _answered(value: str, before: Sequence[To], field: str) -> list[To]:
    if before:
        raise InvalidInput("Whom to answer is said twice.", field=field)
    try:
        name, address = parse_mailbox(value)
    except InvalidInput as error:
        raise InvalidInput(error.message, field=field) from None
    return [To("reply_to", address.text, name, address.key)]


def _check_words(submission: Submission, now: datetime) -> None:
    if submission.variables is None:
        _check_subject(submission.subject)
    if isinstance(submission.priority, bool) or submission.priority not in (1, 2, 3, 4, 5):
        raise InvalidInput("The priority is a number from 1 (first) to 5.", field="priority")
    for name in ("campaign", "user"):
        reference = getattr(submission, name)
        if len(reference) > LONGEST_REFERENCE:
            raise InvalidInput(f"This has at most {LONGEST_REFERENCE} characters.", field=name)
        _own(check_header_value, reference, name)
    if submission.send_at is not None and submission.send_at > now + LATEST_SENDING:
        raise InvalidInput("A message can be scheduled for a year ahead, not further.", field="send_at")


def _check_subject(subject: str) -> None:
    if len(subject) > LONGEST_SUBJECT:
        raise InvalidInput(f"A subject has at most {LONGEST_SUBJECT} characters.", field="subject")
    _own(check_header_value, subject, "subject")


def _check_bodies(submission: Submission) -> None:
    for field in ("html", "text"):
        if _UNSTORABLE.search(getattr(submission, field)):
            raise InvalidInput("This holds NUL or half a character, which no mail can carry.", field=field)


def _metadata(submission: Submission) -> str:
    if not submission.metadata:
        return "{}"
    try:
        text = json.dumps(dict(submission.metadata), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput("This must be a JSON object.", field="metadata") from None
    if len(text) > LARGEST_METADATA:
        raise TooLarge(f"The metadata has at most {LARGEST_METADATA} characters.", field="metadata")
    if "\\u0000" in text or _UNSTORABLE.search(text):
        raise InvalidInput("This holds NUL or half a character.", field="metadata")
    return text


def _size(submission: Submission) -> int:
    """Attachments in base64, as they travel."""
    attached = sum(len(one.content) for one in submission.attachments)
    size = len(submission.html.encode()) + len(submission.text.encode()) + attached * 4 // 3
    if size > LARGEST_MESSAGE:
        raise TooLarge(
            f"A message has at most {LARGEST_MESSAGE} bytes, attachments in base64 included.",
            field="attachments" if attached else "html",
            hint="Put large files where they can be downloaded and send a link.",
        )
    return size


def _name(name: str, field: str) -> str:
    if len(name) > LONGEST_NAME:
        raise InvalidInput(f"A name has at most {LONGEST_NAME} characters.", field=field)
    return _own(check_header_value, name, field)


def _own(check: Callable[[str], str], text: str, field: str) -> str:
    try:
        return check(text)
    except InvalidInput as error:
        raise InvalidInput(error.message, field=field, hint=error.hint) from None
