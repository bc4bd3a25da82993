"""The body of `POST /api/messages`: its types are checked here, everything else by the core.

Whoever calls this need not have a framework. Fields are named as the core names them; api.relay.errors puts them into the
relay's words.
"""

from collections.abc import Mapping
from typing import Any

from api.relay.attachments import read_attachments
from api.relay.extended_headers import Extended, read_headers
from api.relay.moments import read_moment
from common.addresses import parse_mailbox
from common.errors import InvalidInput
from outbound.submission.checks import LARGEST_MESSAGE, MOST_RECIPIENTS
from outbound.submission.faults import MissingField, TooManyRecipients
from outbound.submission.types import Door, Mailbox, Submission

# The largest message as its attachments travel in JSON, and room for everything around them.
LARGEST_BODY = LARGEST_MESSAGE + 1024 * 1024


def read(body: object) -> Submission:
    """One message. Raises InvalidInput, MissingField and TooLarge with the core's name of the field."""
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object, as in {}.")
    given, headers = read_headers(_object(body, "headers"))
    metadata = {**given.metadata, **_object(body, "metadata")}
    _check_workspace(body)
    return Submission(
        door=Door.RELAY,
        sender=_sender(body),
        to=_mailboxes(body, "to"),
        cc=_mailboxes(body, "cc"),
        bcc=_mailboxes(body, "bcc"),
        reply_to=(_mailbox(given.reply_to, "reply_to[0]"),) if given.reply_to else (),
        subject=_subject(body),
        html=_text(body, "html_body", "html"),
        text=_text(body, "text_body", "text"),
        headers=headers,
        attachments=read_attachments(body.get("attachments")),
        priority=given.priority,
        send_at=_send_at(_object(body, "scheduling")),
        variables=_variables(_object(body, "personalization")),
        metadata=metadata,
        campaign=_reference(body.get("campaign_id"), "campaign") or given.campaign,
        user=_user(metadata, given),
    )


def _sender(body: Mapping[str, Any]) -> Mailbox:
    given = body.get("from")
    if given in (None, ""):
        raise MissingField("A sender is needed.", field="from")
    return _mailbox(given, "from")


def _subject(body: Mapping[str, Any]) -> str:
    if body.get("subject") is None:
        raise MissingField("A subject is needed; it may be empty.", field="subject")
    return _text(body, "subject", "subject")


def _mailboxes(body: Mapping[str, Any], name: str) -> tuple[Mailbox, ...]:
    given = body.get(name)
    if given is None:
        return ()
    if not isinstance(given, list):
        raise InvalidInput('This must be a list of addresses, as in ["ana@example.com"].', field=name)
    # The core counts all of them together; here, so that no long list is read to its end.
    if len(given) > MOST_RECIPIENTS:
        raise TooManyRecipients(f"A message goes to at most {MOST_RECIPIENTS} people.", field=name)
    return tuple(_mailbox(one, f"{name}[{index}]") for index, one in enumerate(given))


def _mailbox(given: object, field: str) -> Mailbox:
    """`ana@example.com` or `Ana Lee <ana@example.com>`."""
    if not isinstance(given, str):
        raise InvalidInput("An address must be text.", field=field)
    if "<" not in given:
        return Mailbox(given)
    try:
        name, address = parse_mailbox(given)
    except InvalidInput as error:
        error.field = field
        raise
    return Mailbox(address.text, name)


def _text(body: Mapping[str, Any], name: str, field: str) -> str:
    given = body.get(name)
    if given is None:
        return ""
    if not isinstance(given, str):
        raise InvalidInput("This must be text.", field=field)
    return given


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    given = body.get(name)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InvalidInput("This must be an object, as in {}.", field=name)
    return given


def _check_workspace(body: Mapping[str, Any]) -> None:
    """Which one it is was looked at before; a door without that look still refuses nonsense."""
    if not isinstance(body.get("workspace_id", ""), str | None):
        raise InvalidInput("This must be text, as in ws-001.", field="workspace_id")


def _reference(given: object, field: str) -> str:
    """Text, or a number that stands for it."""
    if given is None:
        return ""
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise InvalidInput("This must be text.", field=field)
    return str(given)


def _user(metadata: Mapping[str, Any], given: Extended) -> str:
    return _reference(metadata.get("user_id"), "user") or given.user


def _send_at(scheduling: Mapping[str, Any]) -> Any:
    return read_moment(scheduling.get("send_at"), scheduling.get("timezone"))


def _variables(personalization: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """None where the texts are to be taken as they are."""
    variables, enabled = personalization.get("variables"), personalization.get("enabled")
    if variables is not None and not isinstance(variables, dict):
        raise InvalidInput("This must be an object, as in {}.", field="variables")
    if enabled is not None and not isinstance(enabled, bool):
        raise InvalidInput("This must be true or false.", field="personalization.enabled")
    wanted = enabled if enabled is not None else variables is not None
    return (variables or {}) if wanted else None
