"""Bodies whose length is not told beforehand."""

import io
import json
from typing import Any

from django.test import Client

from common.database import connection
from contacts.models import Tag
from tenants.models import Tenant
from tests.api.v2_cast import caller


def send(
    tenant: Tenant, body: bytes, *, path: str = "tags", key: str | None = None, told: dict[str, Any] | None = None
) -> Any:
    """As the web server hands it on: no length, and a stream that ends with the body."""
    environ: dict[str, Any] = {
        "CONTENT_TYPE": "application/json",
        "asgi.scope": {},
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_LENGTH": "",
        "wsgi.input": io.BytesIO(body),
    }
    inside = connection.tenant
    try:
        return Client(raise_request_exception=False).generic(
            "POST",
            f"/api/v2/{path}",
            headers={"host": "localhost", "x-api-key": caller(tenant).key if key is None else key},
            **{**environ, **(told or {})},
        )
    finally:
        connection.set_tenant(inside)


def test_it_is_read_as_any_other(acme: Tenant) -> None:
    answer = send(acme, b'{"name": "In pieces"}')
    assert (answer.status_code, answer.json()["name"]) == (201, "In pieces")
    assert Tag.objects.filter(name="In pieces").exists()


def test_one_that_is_larger_than_a_page_of_memory_is_read_too(acme: Tenant) -> None:
    people = [{"email": f"p{number}@example.com", "first_name": "A" * 200} for number in range(9_000)]
    answer = send(acme, json.dumps({"contacts": people}).encode(), path=f"contacts/{acme.pk}/bulk")
    assert (answer.status_code, answer.json()["created"]) == (200, 9_000)


def test_too_large_a_one_is_refused(acme: Tenant, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    answer = send(acme, b'{"name": "' + b"x" * 1_000 + b'"}')
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    assert not Tag.objects.exists()


def test_nothing_is_read_from_whoever_has_no_key(acme: Tenant) -> None:
    stream = io.BytesIO(b'{"name": "In pieces"}')
    assert send(acme, b"", key="nonsense", told={"wsgi.input": stream}).status_code == 401
    assert stream.tell() == 0


def test_a_stream_of_which_nobody_says_that_it_ends_is_not_read(acme: Tenant) -> None:
    stream = io.BytesIO(b'{"name": "In pieces"}')
    answer = send(acme, b"", told={"wsgi.input": stream, "asgi.scope": None})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "name")
    assert stream.tell() == 0
