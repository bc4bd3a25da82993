"""Bodies about tokens, read field by field."""

from dataclasses import dataclass
from typing import Any

from api.access.end_users import end_user
from api.access.tokens import DEFAULT_SECONDS, LONGEST_SECONDS
from common.errors import InvalidInput
from outbound.submission.faults import MissingField
from tenants.services.keys import SCOPES

# Not `user`: that is a message's, and has another name in the relay's words (api.relay.errors).
_USER = "end_user"


@dataclass(frozen=True, slots=True)
class TokenAsked:
    """`scopes` None: all that the key has. `user` "": it acts for nobody in particular."""

    scopes: tuple[str, ...] | None
    seconds: int
    operator: bool
    user: str


def read_token_body(body: Any) -> TokenAsked:
    """Raises InvalidInput."""
    given = _object(body)
    seconds = given.get("expires_in")
    if seconds is None:
        seconds = DEFAULT_SECONDS
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= LONGEST_SECONDS:
        raise InvalidInput(f"This must be a whole number from 1 to {LONGEST_SECONDS}.", field="expires_in")
    operator = given.get("operator")
    if operator is not None and not isinstance(operator, bool):
        raise InvalidInput("This must be true or false.", field="operator")
    user = end_user(given["user"], field=_USER) if given.get("user") is not None else ""
    if operator and user:
        raise InvalidInput("A token for operators acts for no user.", field=_USER, hint="Leave one of them out.")
    return TokenAsked(_scopes(given.get("scopes")), seconds, bool(operator), user)


def read_refresh_body(body: Any) -> str:
    """Raises MissingField and InvalidInput."""
    token = _object(body).get("refresh_token")
    if token is None:
        raise MissingField("Send the refresh token that came with the token.", field="refresh_token")
    if not isinstance(token, str):
        raise InvalidInput("This must be text.", field="refresh_token")
    return token


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object, as in {}.")
    return body


def _scopes(given: Any) -> tuple[str, ...] | None:
    if given is None:
        return None
    if not isinstance(given, list) or not given or not all(isinstance(scope, str) for scope in given):
        raise InvalidInput("This must be a list of scopes.", field="scopes")
    if unknown := sorted(set(given) - set(SCOPES)):
        raise InvalidInput(f"There is no scope {unknown[0]!r}.", field="scopes", hint=f"Scopes: {', '.join(SCOPES)}.")
    return tuple(dict.fromkeys(given))
