"""Requests that mean one thing to one reader and another to the next: methods, paths, bodies, headers."""

import base64
import json
from typing import Any

import pytest
from django.db import connection

from contacts.models import Contact, Tag
from tenants.models import Tenant
from tenants.services.keys import SCOPES, create_api_key
from tests.api.isolation_cast import Operation, operations
from tests.api.v2_cast import V2, caller

READ = [one for one in operations() if one.method == "GET" and not one.objects and one.has_tenant]
BIG = 10**400


def raw(
    api: V2, method: str, path: str, body: bytes | str = b"", kind: str = "application/json", **headers: str
) -> Any:
    inside = connection.tenant  # type: ignore[attr-defined]
    named = {"host": "localhost", "x-api-key": api.key} | {
        name.replace("_", "-"): text for name, text in headers.items()
    }
    try:
        return api.client.generic(method, f"/api/v2/{path}", data=body, content_type=kind, headers=named)
    finally:
        connection.set_tenant(inside)  # type: ignore[attr-defined]


@pytest.mark.parametrize("one", READ, ids=str)
def test_head_needs_the_scope_that_get_needs(acme: Tenant, one: Operation) -> None:
    api = caller(acme, scopes=["send"])
    path = one.route.replace("<int:tenant_id>", str(acme.pk))
    assert (api.get(path).status_code, raw(api, "HEAD", path).status_code) == (403, 403)


@pytest.mark.parametrize("header", ["x_http_method_override", "x_http_method", "x_method_override"])
def test_a_header_or_field_does_not_change_the_method(acme: Tenant, header: str) -> None:
    tag = Tag.objects.create(slug="kept", name="Kept")
    api = caller(acme)
    raw(api, "POST", f"tags/{acme.pk}/{tag.pk}", b"{}", **{header: "DELETE"})
    raw(api, "GET", f"tags/{acme.pk}/{tag.pk}?_method=DELETE", **{header: "DELETE"})
    assert Tag.objects.filter(pk=tag.pk).exists()


@pytest.mark.parametrize(
    "path",
    [
        "tags/{own}/../{other}",
        "tags/{own}%2f..%2f{other}",
        "tags/{own}/%2e%2e/{other}",
        "tags//{other}",
        "/tags/{other}",
        "tags/{other}//",
        "tags/{other};tenant_id={own}",
        "tags/{other}?tenant_id={own}",
        "tags/0{other}",
        "tags/+{other}",
        "tags/{other}%00",
        "tags/{other}%0d%0aX-Evil:1",
        "tags/" + "9" * 5000,
        "TAGS/{other}",
        "./tags/{other}",
    ],
)
def test_an_odd_path_leads_to_no_other_tenant(acme: Tenant, globex: Tenant, path: str) -> None:
    api = caller(acme)
    answer = raw(api, "GET", path.format(own=acme.pk, other=globex.pk))
    assert answer.status_code in (400, 403, 404)
    assert "error" in answer.json()


def test_a_doubled_tenant_means_the_same_to_the_guard_and_to_the_body(acme: Tenant, globex: Tenant) -> None:
    api = caller(acme)
    for first, last in ((acme, globex), (globex, acme)):
        body = f'{{"tenant_id": {first.pk}, "slug": "t", "name": "T", "tenant_id": {last.pk}}}'
        assert raw(api, "POST", "tags", body).status_code == (201 if last == acme else 403)


@pytest.mark.parametrize(
    "value", ['"{0}"', "{0}.0", "{0}e0", "true", "[{0}]", '{{"a": {0}}}', "null", "-{0}", str(BIG)]
)
def test_a_tenant_that_is_no_number_is_refused(acme: Tenant, globex: Tenant, value: str) -> None:
    body = f'{{"slug": "t", "name": "T", "tenant_id": {value.format(globex.pk)}}}'
    for path in (
        "tags",
        "keys",
        "campaigns",
        "contacts",
        "templates",
        "data-sources",
        "segments",
        "suppressions",
        "tokens",
    ):
        answer = raw(caller(acme), "POST", path, body)
        assert answer.status_code in (403, 422), path
    assert not Tag.objects.exists()


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b'{"slug": "t", "name": "T"}', 415),
        ("application/x-www-form-urlencoded", b"slug=t&name=T", 415),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="slug"\r\n\r\nt\r\n--x--',
            415,
        ),
        ("application/json; charset=utf-16", '{"slug": "t", "name": "T"}'.encode("utf-16"), 400),
        ("application/json; charset=latin-1", '{"slug": "t", "name": "é"}'.encode("latin-1"), 400),
        ("application/json; charset=no-such", b'{"slug": "t", "name": "T"}', 201),
        ('application/json;\tboundary="', b'{"slug": "t", "name": "T"}', 201),
        ("application/json", b'{"slug": "t", "name": "T"} x', 400),
        ("application/json", b'{"slug": "t", "name": NaN}', 400),
        ("application/json", b'{"slug": "t", "name": -Infinity}', 400),
        ("application/json", b'{"slug": "t", "name": ' + b"9" * 5000 + b"}", 400),
        ("application/json", b"[" * 50_000, 400),
        ("application/json", b'{"a":' * 50_000, 400),
        ("application/json", b"\xef\xbb\xbf{}", 400),
        ("application/json", b"\x00", 400),
        ("application/json", b'"text"', 422),
        ("application/json", b"[]", 422),
        ("application/json", b"1", 422),
        ("", b'{"slug": "t", "name": "T"}', 415),
        ("application/json" + "x" * 9000, b"{}", 415),
    ],
)
def test_a_body_is_json_or_refused(acme: Tenant, kind: str, body: bytes, status: int) -> None:
    assert raw(caller(acme), "POST", "tags", body, kind).status_code == status


@pytest.mark.parametrize("depth", [10, 200, 450, 600, 800, 900, 950, 980])
@pytest.mark.parametrize("key", ["", "once"])
def test_deep_json_is_no_fault_of_ours(acme: Tenant, depth: int, key: str) -> None:
    api, headers = caller(acme), {"idempotency_key": key} if key else {}
    deep = "[" * depth + "]" * depth
    bodies = {
        "contacts": f'{{"email": "a@example.com", "attributes": {{"x": {deep}}}}}',
        "segments": f'{{"name": "x", "tree": {{"all": {deep}}}}}',
        f"segments/{acme.pk}/try": f'{{"tree": {{"not": {deep}}}}}',
        "tags": f'{{"slug": "t", "name": {deep}}}',
        "data-sources": f'{{"name": "x", "type": "manual", "config": {{"mapping": {{"a": {deep}}}}}}}',
        f"contacts/{acme.pk}/bulk": f'{{"contacts": [{{"email": "b@example.com", "attributes": {{"x": {deep}}}}}]}}',
        "webhooks/generic": f'[{{"event": "opened", "email": "a@b.example", "x": {deep}}}]',
        "webhooks/test": deep,
        "campaigns": f'{{"name": "x", "template_id": 1, "tags_all": {deep}}}',
    }
    for path, body in bodies.items():
        assert raw(api, "POST", path, body, **headers).status_code < 500, path


def test_long_and_large_bodies_are_refused_in_time(acme: Tenant) -> None:
    api = caller(acme, scopes=list(SCOPES))
    assert api.post("tags", {"slug": "t", "name": "x" * 10_000_000}).status_code == 413
    for path, body in {
        "campaigns": {"name": "x", "template_id": 1, "tags_all": ["t"] * 100_000},
        f"contacts/{acme.pk}/validate": {"contact_ids": list(range(1, 100_001))},
        f"contacts/{acme.pk}/tag": {"contact_ids": list(range(1, 100_001)), "tags": ["t"]},
        f"contacts/{acme.pk}/bulk": {"contacts": [{"email": "a@example.com"}] * 100_000},
        "suppressions": {"emails": ["a@example.com"] * 100_000},
        f"validation/{acme.pk}/check": {"emails": ["a@example.com"] * 100_000},
        "segments": {"name": "x", "tree": {"any": [{"tag": "t"}] * 100_000}},
        "keys": {"name": "x", "scopes": ["read"] * 100_000},
        "data-sources": {"name": "x", "type": "manual", "config": {"mapping": {f"k{n}": "x" for n in range(100_000)}}},
    }.items():
        assert api.post(path, body).status_code in (413, 422), path


@pytest.mark.parametrize("number", [2**31, 2**63, 2**64, -(2**63) - 1, BIG])
def test_numbers_beyond_any_column_are_no_fault_of_ours(acme: Tenant, number: int) -> None:
    api = caller(acme, scopes=list(SCOPES))
    for path in (
        "tags",
        "contacts",
        "campaigns",
        "templates",
        "segments",
        "suppressions",
        "imports",
        "keys",
        "data-sources",
    ):
        assert api.get(f"{path}/{acme.pk}/{number}").status_code == 404, path
        assert api.get(f"{path}/{number}").status_code in (403, 404), path
        assert api.get(f"{path}/{acme.pk}?limit={number}").status_code == 422, path
    for path, body in {
        "campaigns": {"name": "x", "template_id": number},
        "contacts": {"email": "a@example.com", "source_id": number},
        "keys": {"name": "x", "daily_limit": number},
        "tokens": {"seconds": number},
        f"contacts/{acme.pk}/validate": {"limit": number, "contact_ids": [number]},
        f"contacts/{acme.pk}/tag": {"contact_ids": [number], "tags": ["t"]},
        "data-sources": {"name": "x", "type": "scraper-pro", "config": {"pause_ms": number}},
        "webhooks/generic": {"event": "clicked", "email": "a@b.example", "link": number},
    }.items():
        assert raw(api, "POST", path, json.dumps(body)).status_code in (202, 400, 422), path


@pytest.mark.parametrize(
    "cursor", ["-1", "0", "1e3", str(2**63), str(BIG), " 7 ", "1_0", "٣", "1; DROP TABLE x", "' OR 1=1"]
)
def test_a_cursor_of_ones_own_making_is_no_fault_of_ours(acme: Tenant, cursor: str) -> None:
    api = caller(acme, scopes=list(SCOPES))
    given = base64.urlsafe_b64encode(cursor.encode()).decode()
    for path in (
        "tags",
        "contacts",
        "campaigns",
        "templates",
        "segments",
        "suppressions",
        "imports",
        "keys",
        "data-sources",
    ):
        for text in (given, cursor.replace(" ", "%20")):
            assert api.get(f"{path}/{acme.pk}?cursor={text}").status_code in (200, 422), path


@pytest.mark.parametrize(
    "words",
    ["q=%00", "q=%25%27%22%5c", "q=_%25", "attribute[%27)%20OR%201=1--]=x", "attribute.a%22b=x", "attribute[]=x",
     "attribute.%00=x", "attribute[city]=%00", "attribute[a.b]=%7B%22%24gt%22:1%7D", "tag=%27;--", "status=active%27--",
     "language=%25", "country=%27%22", "source_id=1%20OR%201=1", "created_after=%27", "sort=email%27", "order_by=-password",
     "q=" + "(" * 300, "attribute[x]=" + "%5B" * 5000, "fields=hash", "tag=" + "a" * 5000, "q=%ed%a0%80"],
)  # fmt: skip
def test_filters_are_words_not_statements(acme: Tenant, words: str) -> None:
    Contact.objects.create(email="ana@example.com", email_key="ana@example.com", first_name="Ana")
    api = caller(acme, scopes=list(SCOPES))
    for path in (
        f"contacts/{acme.pk}",
        f"contacts/{acme.pk}/export",
        f"suppressions/{acme.pk}",
        f"templates/{acme.pk}",
    ):
        answer = api.get(f"{path}?{words}")
        assert answer.status_code in (200, 422), (path, answer.content)


def test_an_address_that_the_client_writes_itself_does_not_open_a_key(acme: Tenant, settings: Any) -> None:
    _, key = create_api_key(tenant=acme, name="fenced", allowed_addresses=["192.0.2.7"])
    api = V2(acme, key)
    for header in ("x_forwarded_for", "x_real_ip", "forwarded", "true_client_ip", "x_client_ip", "cf_connecting_ip"):
        for behind in (False, True):
            settings.BEHIND_PROXY = behind
            if header == "x_forwarded_for" and behind:
                assert api.get(f"tags/{acme.pk}", x_forwarded_for="192.0.2.7, 203.0.113.9").status_code == 401
                assert api.get(f"tags/{acme.pk}", x_forwarded_for="192.0.2.7,").status_code == 401
                assert api.get(f"tags/{acme.pk}", x_forwarded_for="203.0.113.9, 192.0.2.7").status_code == 200
            else:
                assert api.get(f"tags/{acme.pk}", **{header: "192.0.2.7"}).status_code == 401
