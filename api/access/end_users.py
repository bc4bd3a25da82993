"""End users: whom a tenant's program says that a token acts for. They have no account here; the program knows them."""

from dataclasses import replace

from api.access.caller import Caller
from api.access.faults import Forbidden
from common.errors import InvalidInput
from common.headers import check_header_value
from outbound.submission.checks import LONGEST_REFERENCE
from outbound.submission.types import Submission

# What a token names, a message must be able to name too.
LONGEST_USER = LONGEST_REFERENCE


def end_user(given: object, *, field: str) -> str:
    """A user as a token may name them: 1 to LONGEST_USER printable characters, no blanks around. Raises InvalidInput."""
    if not isinstance(given, str):
        raise InvalidInput("This must be text.", field=field)
    if not 1 <= len(given) <= LONGEST_USER or not given.isprintable() or given != given.strip():
        raise InvalidInput(
            f"A user is named by 1 to {LONGEST_USER} printable characters, without blanks around them.", field=field
        )
    try:
        return check_header_value(given)
    except InvalidInput as error:
        raise InvalidInput(error.message, field=field, hint=error.hint) from None


def on_behalf(caller: Caller, submission: Submission) -> Submission:
    """The submission as the caller's user's, where it has one. Raises Forbidden for one that names another user."""
    if not caller.user or submission.user == caller.user:
        return submission
    if submission.user:
        raise Forbidden(
            "This token acts for another user than the message names.",
            field="user",
            hint="Leave the user out, or ask for a token that acts for them.",
        )
    return replace(submission, user=caller.user)
