"""Whether Google lets a service account send for a mailbox: a token is asked for, and thrown away.

https://developers.google.com/identity/protocols/oauth2/service-account, errors: RFC 6749 section 5.2 and
https://developers.google.com/identity/protocols/oauth2/web-server#authorization-errors
"""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from outbound.provider_apis.asking import Conversation, Reply, conversation, quoted
from outbound.provider_apis.service_account import ServiceAccount

SEND = "https://www.googleapis.com/auth/gmail.send"
READ = "https://www.googleapis.com/auth/gmail.readonly"
SCOPES = (SEND, READ)

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CODE = re.compile(r"[a-z_]{1,40}")
_DELEGATE = "Allow the account's client id the scope gmail.send under domain-wide delegation: Admin console, Security, API controls."
_NEW_KEY = "The service account or its key was deleted or switched off: make a new one."
# What Google calls a refusal of these credentials, and what to do then.
_REFUSALS = {
    "invalid_grant": "Was the key deleted, is the mailbox one of this Google Workspace, is this machine's clock right?",
    "invalid_client": _NEW_KEY,
    "deleted_client": _NEW_KEY,
    "disabled_client": _NEW_KEY,
    "admin_policy_enforced": "A policy of the Google Workspace forbids it: ask its administrator.",
    "unauthorized_client": _DELEGATE,
    "access_denied": _DELEGATE,
    "invalid_scope": _DELEGATE,
}
_ABOUT_SCOPES = ("unauthorized_client", "access_denied", "invalid_scope")


@dataclass(frozen=True, slots=True)
class GmailCheck:
    """`scopes` that Google grants for the mailbox; `refusal` says why it may not send, and what to do."""

    scopes: tuple[str, ...]
    refusal: str = ""

    @property
    def may_send(self) -> bool:
        return SEND in self.scopes


@dataclass(frozen=True, slots=True)
class _Said:
    """`code` "": granted."""

    scopes: tuple[str, ...]
    code: str = ""
    refusal: str = ""


def check_service_account(account: ServiceAccount, *, mailbox: str, token_url: str) -> GmailCheck:
    """Asks for all scopes at once, and one by one where they are not all allowed: three calls at most. Raises ProviderError,
    and Unavailable."""
    with conversation("Google") as google:

        def ask(*scopes: str) -> _Said:
            assertion = account.assertion(audience=token_url, scopes=scopes, mailbox=mailbox)
            return _read(google, _post(google, token_url, assertion), scopes, assertion)

        said = ask(*SCOPES)
        if said.code not in _ABOUT_SCOPES:
            return GmailCheck(said.scopes, said.refusal)
        each = [ask(scope) for scope in SCOPES]
    granted = tuple(scope for one in each for scope in one.scopes)
    return GmailCheck(granted, "" if SEND in granted else each[0].refusal)


def _post(google: Conversation, token_url: str, assertion: str) -> Reply:
    body = urlencode({"grant_type": _GRANT, "assertion": assertion}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return google.ask("POST", token_url, headers=headers, body=body)


def _read(google: Conversation, reply: Reply, scopes: tuple[str, ...], assertion: str) -> _Said:
    held = reply.document()
    if held is None:
        raise google.unusable(f"status {reply.status}, and no JSON object")
    if reply.status == 200:
        if not isinstance(held.get("access_token"), str) or not held["access_token"]:
            raise google.unusable("no token where one was granted")
        return _Said(_granted(held.get("scope"), scopes))
    code = held.get("error")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise google.unusable(f"status {reply.status} without an error's code")
    if code not in _REFUSALS and reply.status not in (401, 403):
        raise google.unusable(f"status {reply.status}, {code}")
    words = quoted(held.get("error_description"), secrets=[assertion])
    told = [f"Google refuses with {code}{': ' if words else '.'}{words}", _REFUSALS.get(code, _NEW_KEY)]
    return _Said((), code, " ".join(told))


def _granted(named: object, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Where Google does not say what was granted, it is what was asked for (RFC 6749 section 5.1)."""
    return tuple(scope for scope in asked if scope in named.split()) if isinstance(named, str) else asked
