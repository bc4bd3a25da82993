"""R25: a service account is checked against Google's token endpoint."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.conf import LazySettings

from tenants.models import Tenant
from tests.api.provider_servers import (
    ACCOUNT,
    MAILBOX,
    READ,
    SEND,
    Google,
    answer,
    google_server,
    key_file,
    pem,
    rsa_key,
)
from tests.api.relay_cast import Relay, refusal, relay, told

PATH = "providers/gmail/validate"


@pytest.fixture
def google(settings: LazySettings) -> Iterator[Google]:
    with google_server() as server:
        settings.GMAIL_TOKEN_URL = server.url
        yield server


@pytest.fixture
def caller(acme: Tenant) -> Relay:
    return relay(acme, scopes=["admin"])


def body(**changes: Any) -> dict[str, Any]:
    given = {"service_account_json": key_file(), "test_email": MAILBOX, **changes}
    return {name: value for name, value in given.items() if value is not ...}


def test_r25_a_service_account_that_may_send_is_answered_as_printed(caller: Relay, google: Google) -> None:
    response = caller.post(PATH, body(workspace_id=caller.tenant.workspace_id))
    assert told(response) == {
        "valid": True,
        "service_account": ACCOUNT,
        "scopes": [SEND, READ],
        "domain_wide_delegation": True,
        "reason": None,
    }
    assert "ya29" not in response.content.decode()


def test_r25_google_is_sent_an_assertion_signed_with_the_key_for_the_mailbox(caller: Relay, google: Google) -> None:
    told(caller.post(PATH, body()))
    (claims,) = google.claims
    named = {name: claims[name] for name in ("iss", "sub", "scope", "aud", "kid")}
    assert named == {
        "iss": ACCOUNT,
        "sub": MAILBOX,
        "scope": f"{SEND} {READ}",
        "aud": google.url,
        "kid": "0a1b2c",
    }
    assert 0 < claims["exp"] - claims["iat"] <= 3600


@pytest.mark.parametrize("root", ["/api", "/v1", "/api/v1"])
def test_r25_it_answers_below_each_root(caller: Relay, google: Google, root: str) -> None:
    assert told(caller.post(f"{root}/{PATH}", body()))["valid"] is True


def test_r25_scopes_are_those_that_google_grants(caller: Relay, google: Google) -> None:
    google.delegated = {SEND}
    data = told(caller.post(PATH, body()))
    assert (data["valid"], data["scopes"], data["domain_wide_delegation"], data["reason"]) == (True, [SEND], True, None)
    assert [claims["scope"] for claims in google.claims] == [f"{SEND} {READ}", SEND, READ]
    google.delegated = {READ}
    data = told(caller.post(PATH, body()))
    assert (data["valid"], data["scopes"], data["domain_wide_delegation"]) == (False, [READ], True)
    assert "unauthorized_client" in data["reason"]


def test_r25_scopes_that_google_names_are_believed(caller: Relay, google: Google) -> None:
    google.respond = lambda asked: answer(asked, 200, {"access_token": "a", "scope": f"openid {SEND}"})
    assert told(caller.post(PATH, body()))["scopes"] == [SEND]


def test_r25_without_delegation_it_is_not_valid_and_says_what_to_do(caller: Relay, google: Google) -> None:
    google.delegated = set()
    data = told(caller.post(PATH, body()))
    assert (data["valid"], data["scopes"], data["domain_wide_delegation"]) == (False, [], False)
    assert "domain-wide delegation" in data["reason"]
    assert "Client is unauthorized" in data["reason"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"service_account_json": key_file(private_key=pem(rsa_key("another")))}, "Invalid JWT Signature"),
        ({"test_email": "nobody@elsewhere.example"}, "Invalid email or User ID"),
    ],
    ids=["another key", "another mailbox"],
)
def test_r25_what_google_does_not_accept_is_an_answer(
    caller: Relay, google: Google, change: dict[str, str], words: str
) -> None:
    data = told(caller.post(PATH, body(**change)))
    assert (data["valid"], data["scopes"], data["domain_wide_delegation"]) == (False, [], False)
    assert "invalid_grant" in data["reason"]
    assert words in data["reason"]
    assert len(google.asked) == 1


BAD = {
    "no file": ({"service_account_json": ...}, "MISSING_REQUIRED_FIELD", "service_account_json"),
    "no text": ({"service_account_json": {"type": "service_account"}}, "INVALID_REQUEST", "service_account_json"),
    "no JSON": ({"service_account_json": "{...}"}, "INVALID_REQUEST", "service_account_json"),
    "a list": ({"service_account_json": "[]"}, "INVALID_REQUEST", "service_account_json"),
    "too deep": ({"service_account_json": "[" * 19_000}, "INVALID_REQUEST", "service_account_json"),
    "a user's credentials": (
        {"service_account_json": key_file(type="authorized_user")},
        "INVALID_REQUEST",
        "service_account_json",
    ),
    "no key in it": ({"service_account_json": key_file(private_key=...)}, "INVALID_REQUEST", "service_account_json"),
    "a malformed key": (
        {
            "service_account_json": key_file(
                private_key="-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
            )
        },
        "INVALID_REQUEST",
        "service_account_json",
    ),
    "half a character as a key": (
        {"service_account_json": key_file(private_key="\ud800")},
        "INVALID_REQUEST",
        "service_account_json",
    ),
    "a long key": (
        {"service_account_json": key_file(private_key="x" * 4_001)},
        "INVALID_REQUEST",
        "service_account_json",
    ),
    "a number as a key's id": (
        {"service_account_json": key_file(private_key_id=7)},
        "INVALID_REQUEST",
        "service_account_json",
    ),
    "no e-mail in it": (
        {"service_account_json": key_file(client_email="sa-123")},
        "INVALID_REQUEST",
        "service_account_json",
    ),
    "oversized": ({"service_account_json": key_file(more="x" * 20_000)}, "INVALID_REQUEST", "service_account_json"),
    "no mailbox": ({"test_email": ...}, "MISSING_REQUIRED_FIELD", "test_email"),
    "a mailbox that is none": ({"test_email": "nobody"}, "INVALID_EMAIL_FORMAT", "test_email"),
}


@pytest.mark.parametrize("case", BAD)
def test_r25_what_cannot_be_used_is_400_and_google_is_not_asked(caller: Relay, google: Google, case: str) -> None:
    change, code, field = BAD[case]
    assert refusal(caller.post(PATH, body(**change))) == (400, code, field)
    assert google.asked == []


def lopsided_key() -> rsa.RSAPrivateKey:
    """Of 2220 bits and in order, but nearly all of them are one prime's: to check such a prime takes long, a longer one minutes."""
    e, p, q = 65537, 65537, 2**2203 - 1
    d = pow(e, -1, math.lcm(p - 1, q - 1))
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, p * q))
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


@pytest.mark.parametrize("kind", ["closed with a password", "of an elliptic curve", "too small", "lopsided"])
def test_r25_a_key_that_google_gives_to_nobody_is_400(caller: Relay, google: Google, kind: str) -> None:
    keys = {
        "closed with a password": lambda: pem(rsa_key(), password=b"secret"),
        "of an elliptic curve": lambda: pem(ec.generate_private_key(ec.SECP256R1())),
        "too small": lambda: pem(rsa_key("small", bits=1024)),
        "lopsided": lambda: pem(lopsided_key()),
    }
    given = body(service_account_json=key_file(private_key=keys[kind]()))
    assert refusal(caller.post(PATH, given)) == (400, "INVALID_REQUEST", "service_account_json")
    assert google.asked == []


def test_r25_a_body_of_megabytes_is_413_and_google_is_not_asked(caller: Relay, google: Google) -> None:
    assert refusal(caller.post(PATH, body(more="x" * 70_000)))[:2] == (413, "MESSAGE_TOO_LARGE")
    assert google.asked == []


def test_r25_the_key_file_does_not_choose_whom_we_ask(caller: Relay, google: Google) -> None:
    """Its token_uri leads elsewhere (provider_servers)."""
    assert json.loads(key_file())["token_uri"] != google.url
    told(caller.post(PATH, body()))
    assert [asked.path for asked in google.asked] == ["/token"]


@pytest.mark.parametrize("scopes", [["send"], ["read"]], ids=["send", "read"])
def test_r25_a_key_without_the_scope_is_refused(acme: Tenant, google: Google, scopes: list[str]) -> None:
    assert refusal(relay(acme, scopes=scopes).post(PATH, body()))[:2] == (403, "INSUFFICIENT_PERMISSIONS")
    assert refusal(relay(acme, scopes=scopes).post(PATH, body(), x_api_key=""))[:2] == (401, "AUTH_REQUIRED")
    assert google.asked == []


def test_r25_another_workspace_is_refused(caller: Relay, google: Google, globex: Tenant) -> None:
    given = body(workspace_id=globex.workspace_id)
    assert refusal(caller.post(PATH, given))[:2] == (403, "WORKSPACE_ACCESS_DENIED")
    assert google.asked == []
