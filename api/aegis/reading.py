"""The body of `POST /send`: its types are checked here, everything else by the core."""

from collections.abc import Mapping
from typing import Any

from api.aegis.errors import WrongType
from common.addresses import parse_mailbox
from common.errors import InvalidInput
from outbound.mime.attachments import decoded_base64
from outbound.submission.checks import LARGEST_MESSAGE, MOST_ATTACHMENTS, MOST_HEADERS, MOST_RECIPIENTS
from outbound.submission.faults import MissingField, TooManyRecipients
from outbound.submission.types import Attachment, Door, Mailbox, Submission

_USUAL_PRIORITY = 3


def read(body: object) -> Submission:
    """One message. Raises InvalidInput (WrongType, MissingField, TooLarge, …); `field` is the core's name, or Aegis' own
    where the core has none (isHtml, toName)."""
    if not isinstance(body, Mapping):
        raise WrongType("The body must be a JSON object.")
    to = Mailbox(_needed(body, "to", "to"), _text(body, "toName", "toName"))
    subject, is_html = _needed(body, "subject", "subject"), _flag(body, "isHtml")
    content = _needed(body, "body", "html" if is_html else "text")
    return Submission(
        door=Door.AEGIS,
        to=(to,),
        subject=subject,
        html=content if is_html else "",
        text="" if is_html else content,
        cc=_mailboxes(body, "cc"),
        bcc=_mailboxes(body, "bcc"),
        reply_to=_reply_to(_text(body, "replyTo", "reply_to[0]")),
        headers=_headers(body),
        attachments=_attachments(body),
        priority=_priority(body),
    )


def _text(given: Mapping[str, Any], name: str, field: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise WrongType("This must be text.", field=field)
    return value


def _needed(given: Mapping[str, Any], name: str, field: str) -> str:
    value = _text(given, name, field)
    if not value or value.isspace():
        raise MissingField(f"The field {name} is required.", field=field)
    return value


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise WrongType("This must be true or false.", field=name)
    return bool(value)


def _priority(given: Mapping[str, Any]) -> int:
    value = given.get("priority")
    if value is None:
        return _USUAL_PRIORITY
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongType("The priority is a whole number from 1 (first) to 5.", field="priority")
    return value


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise WrongType("This must be a list.", field=name)
    return value


def _mailboxes(given: Mapping[str, Any], name: str) -> tuple[Mailbox, ...]:
    several = _list(given, name)
    # The core counts all of them together; here, so that no long list is read to its end.
    if len(several) >= MOST_RECIPIENTS:
        raise TooManyRecipients(f"A message goes to at most {MOST_RECIPIENTS} people.", field=name)
    return tuple(_mailbox(one, f"{name}[{index}]") for index, one in enumerate(several))


def _mailbox(given: object, field: str) -> Mailbox:
    if not isinstance(given, Mapping):
        raise WrongType('This must be an object, as in {"email": "ana@example.com", "name": "Ana"}.', field=field)
    address = _text(given, "email", f"{field}.email")
    if not address.strip():
        raise MissingField("The field email is required.", field=f"{field}.email")
    return Mailbox(address, _text(given, "name", f"{field}.name"))


def _reply_to(given: str) -> tuple[Mailbox, ...]:
    """An address, or `Ana <ana@example.com>`."""
    if not given.strip():
        return ()
    if "<" not in given:
        return (Mailbox(given),)
    try:
        name, address = parse_mailbox(given)
    except InvalidInput as error:
        error.field = "reply_to[0]"
        raise
    return (Mailbox(address.text, name),)


def _headers(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    value = given.get("headers")
    # An empty object of PHP is written as an empty list.
    if value is None or value == []:
        return ()
    if not isinstance(value, Mapping):
        raise WrongType('This must be an object of texts, as in {"X-Order": "42"}.', field="headers")
    if len(value) > MOST_HEADERS:
        raise InvalidInput(f"A message has at most {MOST_HEADERS} headers of its own.", field="headers")
    for name, text in value.items():
        if not isinstance(text, str):
            raise WrongType("A header's value must be text.", field=f"headers.{name[:80]}")
    return tuple(value.items())


def _attachments(given: Mapping[str, Any]) -> tuple[Attachment, ...]:
    several = _list(given, "attachments")
    if len(several) > MOST_ATTACHMENTS:
        raise InvalidInput(f"A message has at most {MOST_ATTACHMENTS} attachments.", field="attachments")
    return tuple(_attachment(one, f"attachments[{index}]") for index, one in enumerate(several))


def _attachment(given: object, field: str) -> Attachment:
    if not isinstance(given, Mapping):
        raise WrongType('This must be an object with "name" and "content".', field=field)
    name = _text(given, "name", f"{field}.filename")
    content = _text(given, "content", f"{field}.content")
    if not name.strip():
        raise MissingField("An attachment has a name.", field=f"{field}.filename")
    if not content:
        raise MissingField("An attachment has a content, in base64.", field=f"{field}.content")
    return Attachment(filename=name, content=_decoded(content, f"{field}.content"))


def _decoded(content: str, field: str) -> bytes:
    return decoded_base64(content, field=field, at_most=LARGEST_MESSAGE)
