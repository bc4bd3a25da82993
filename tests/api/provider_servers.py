"""Google's token endpoint and Mailgun's domains as real servers on this machine, which check what they are sent as those do."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.common.web_server import Asked, web_server

SEND = "https://www.googleapis.com/auth/gmail.send"
READ = "https://www.googleapis.com/auth/gmail.readonly"
ACCOUNT = "sa-123@project.iam.gserviceaccount.com"
MAILBOX = "test@example.com"
MAILGUN_KEY = "key-abc123def456"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@cache
def rsa_key(name: str = "given", bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same key for the same name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem(key: Any, *, password: bytes | None = None) -> str:
    closed = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, closed).decode()


def key_file(**changes: Any) -> str:
    """As the Google Cloud console gives it; `...` takes a field away."""
    given = {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "0a1b2c",
        "private_key": pem(rsa_key()),
        "client_email": ACCOUNT,
        "client_id": "123456789012345678901",
        "token_uri": "https://attacker.example/token",
        **changes,
    }
    return json.dumps({name: value for name, value in given.items() if value is not ...})


def answer(asked: Asked, status: int, document: Any) -> None:
    asked.answer(status, json.dumps(document).encode(), Content_Type="application/json")


@dataclass
class Google:
    """`delegated`: scopes that the Workspace allows the account; `respond`: answers in its place."""

    url: str = ""
    delegated: set[str] = field(default_factory=lambda: {SEND, READ})
    claims: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    respond: Callable[[Asked], None] | None = None

    def __call__(self, asked: Asked) -> None:
        self.asked.append(asked)
        if self.respond:
            self.respond(asked)
            return
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        is_form = asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
        if asked.handler.command != "POST" or asked.path != "/token" or not is_form or form.get("grant_type") != _GRANT:
            answer(asked, 400, {"error": "invalid_request", "error_description": "Bad Request"})
            return
        self._judge(asked, form["assertion"])

    def _judge(self, asked: Asked, assertion: str) -> None:
        try:
            needed = {"require": ["iss", "sub", "scope", "aud", "iat", "exp"]}
            told = jwt.decode(
                assertion, rsa_key().public_key(), algorithms=["RS256"], audience=self.url, options=needed
            )
        except jwt.InvalidTokenError:
            answer(asked, 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
            return
        self.claims.append({**told, "kid": jwt.get_unverified_header(assertion).get("kid")})
        if told["exp"] - told["iat"] > 3600:
            answer(asked, 400, {"error": "invalid_grant", "error_description": "Token must be a short-lived token"})
        elif told["sub"] != MAILBOX:
            answer(asked, 400, {"error": "invalid_grant", "error_description": "Invalid email or User ID"})
        elif not set(told["scope"].split()) <= self.delegated:
            words = "Client is unauthorized to retrieve access tokens using this method."
            answer(asked, 401, {"error": "unauthorized_client", "error_description": words})
        else:
            answer(asked, 200, {"access_token": "ya29.secret", "expires_in": 3599, "token_type": "Bearer"})


@contextmanager
def google_server() -> Iterator[Google]:
    google = Google()
    with web_server(google) as server:
        google.url = f"{server.url}/token"
        yield google


def record(type: str, *, valid: str = "valid") -> dict[str, Any]:
    return {
        "record_type": type,
        "name": "mg.example.com",
        "value": "…",
        "valid": valid,
        "is_active": True,
        "cached": [],
    }


def about(name: str, **changes: Any) -> dict[str, Any]:
    """A domain in Mailgun's words."""
    return {
        "id": "5c0b8c",
        "name": name,
        "state": "active",
        "type": "custom",
        "created_at": "Mon, 01 Jan 2024 00:00:00 GMT",
        "smtp_login": f"postmaster@{name}",
        "is_disabled": False,
        "skip_verification": False,
        "require_tls": False,
        **changes,
    }


@dataclass
class Mailgun:
    """One region: its keys with their domains."""

    url: str = ""
    domains: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=lambda: {MAILGUN_KEY})
    sending: list[dict[str, Any]] = field(default_factory=lambda: [record("TXT"), record("TXT"), record("CNAME")])
    receiving: list[dict[str, Any]] = field(default_factory=lambda: [record("MX"), record("MX")])
    asked: list[Asked] = field(default_factory=list)
    respond: Callable[[Asked], None] | None = None

    def __call__(self, asked: Asked) -> None:
        self.asked.append(asked)
        scheme, _, shown = asked.headers.get("Authorization", "").partition(" ")
        user, _, key = base64.b64decode(shown).decode().partition(":")
        if self.respond:
            self.respond(asked)
        elif (scheme, user) != ("Basic", "api") or key not in self.keys:
            # It answers so, not in JSON.
            asked.answer(401, b"Forbidden", Content_Type="text/plain")
        elif asked.path == "/v4/domains":
            limit, skip = int(asked.query["limit"]), int(asked.query["skip"])
            items = list(self.domains.values())
            answer(asked, 200, {"total_count": len(items), "items": items[skip : skip + limit]})
        elif domain := self.domains.get(asked.path.removeprefix("/v4/domains/")):
            held = {"domain": domain, "sending_dns_records": self.sending, "receiving_dns_records": self.receiving}
            answer(asked, 200, held)
        else:
            answer(asked, 404, {"message": "Domain not found"})


@contextmanager
def mailgun_server(*names: str) -> Iterator[Mailgun]:
    mailgun = Mailgun(domains={name: about(name) for name in names})
    with web_server(mailgun) as server:
        mailgun.url = server.url
        yield mailgun
