"""A shop's program in the demo: one message by HTTP with an API key, and the question what became of it."""

import http.client
import json
import os
from pathlib import Path
from typing import Any

from common.errors import Unavailable
from embedded.demo.surroundings import HOST, Ports
from tenants.models import ApiKey, Tenant
from tenants.services.keys import create_api_key

READER = "harry.gupta11@example.net"
_NAME = "Demo shop"
_SECONDS = 10.0


def program_key(tenant: Tenant, data_dir: Path) -> str:
    """The shop's key: made once, and kept beside the demo's data for its owner only."""
    path = data_dir / "api-key"
    if path.exists() and ApiKey.objects.filter(tenant=tenant, name=_NAME).exists():
        return path.read_text()
    _, key = create_api_key(tenant=tenant, name=_NAME, scopes=["send", "read"])
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(key)
    return key


def send_order(ports: Ports, key: str) -> str:
    """Confirm somebody's order. Returns the message's id; raises Unavailable when it is not taken."""
    letter = {
        "to": READER,
        "toName": "Harry Gupta",
        "subject": "Your order of twelve tomatoes",
        "body": "<p>It is on its way.</p>",
        "isHtml": True,
    }
    return str(_ask(ports, "POST", "/send", 202, key=key, body=letter)["message_id"])


def status_of(ports: Ports, message_id: str) -> str:
    """In one word. Raises Unavailable."""
    return str(_ask(ports, "GET", f"/send/{message_id}/status", 200)["status"])


def as_curl(ports: Ports, key: str) -> str:
    """A send that people can paste into a terminal."""
    body = json.dumps({"to": "you@example.net", "subject": "Hello", "body": "It works."})
    return (
        f"curl http://localhost:{ports.web}/send -H 'X-API-Key: {key}' -H 'Content-Type: application/json' -d '{body}'"
    )


def _ask(
    ports: Ports, method: str, path: str, status: int, *, key: str = "", body: dict[str, Any] | None = None
) -> dict[str, Any]:
    headers = {"Host": f"localhost:{ports.web}", "Content-Type": "application/json"} | (
        {"X-API-Key": key} if key else {}
    )
    connection = http.client.HTTPConnection(HOST, ports.web, timeout=_SECONDS)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        told = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{method} {path} failed: {error}") from error
    finally:
        connection.close()
    if answer.status != status:
        raise Unavailable(f"{method} {path} was answered {answer.status}, not {status}: {told[:300].decode()}")
    found: dict[str, Any] = json.loads(told)
    return found
