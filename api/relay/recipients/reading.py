"""Bodies about recipients: types and spellings, from the relay's words to those of contacts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import InvalidInput
from contacts.models import ContactStatus
from contacts.services.details import ContactDetails
from outbound.submission.faults import MissingField

# Kept as attributes, because contacts have no such fields.
REFERENCES = ("user_id", "campaign_id")


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a body says; None: nothing. Tags are words, and not in `details`."""

    details: ContactDetails
    tags: tuple[str, ...] | None
    status: str | None
    opt_in: bool | None


def read_recipient(body: object, *, is_new: bool) -> Recipient:
    """Raises InvalidInput, and MissingField for a new one without an address."""
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object, as in {}.")
    email = _text(body, "email")
    if is_new and not email:
        raise MissingField("A recipient needs an address.", field="email")
    metadata = dict(_object(body, "metadata"))
    tags = _tags(metadata.pop("tags", None))
    references = {name: body[name] for name in REFERENCES if name in body}
    for name in references:
        _text(references, name)
    opt_in = body.get("opt_in")
    if opt_in is not None and not isinstance(opt_in, bool):
        raise InvalidInput("This must be true or false.", field="opt_in")
    details = ContactDetails(
        email=email,
        first_name=_text(body, "first_name"),
        last_name=_text(body, "last_name"),
        attributes={**metadata, **references} or None,
    )
    return Recipient(details, tags, _status(body), opt_in)


def status_word(text: str) -> str:
    """A contact's status from the relay's word for it. Raises InvalidInput."""
    status = text.lower()
    if status not in ContactStatus.values:
        known = ", ".join(value.upper() for value in ContactStatus.values)
        raise InvalidInput("There is no such status.", field="status", hint=f"There are: {known}.")
    return status


def _status(body: Mapping[str, Any]) -> str | None:
    given = _text(body, "status")
    return None if given is None else status_word(given)


def _text(body: Mapping[str, Any], name: str) -> str | None:
    given = body.get(name)
    if given is not None and not isinstance(given, str):
        raise InvalidInput("This must be text.", field=name)
    return given


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = body.get(name)
    if given is not None and not isinstance(given, dict):
        raise InvalidInput("This must be an object, as in {}.", field=name)
    return given or {}


def _tags(given: object) -> tuple[str, ...] | None:
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise InvalidInput("This must be a list of texts.", field="metadata.tags")
    return tuple(given)
