"""Every operation of API v2, read from the URL map, and how each is called: by `acme`, who owns what is asked for.

A new path is found by itself; one that needs a body, or an object of a kind that is not made here, has no plan until
it is given one, and tests/api/test_isolation.py says so.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import URLResolver, get_resolver

from tenants.models import Tenant
from tests.api.isolation_objects import GONE, MARK, PLAIN_TAG, Owned
from tests.api.v2_cast import V2

METHODS = ("get", "post", "put", "patch", "delete")
FILE = b"email,first_name\nbo@example.com,Bo\n"
_PREFIX = "api/v2/"
_PARAMETER = re.compile(r"<int:(\w+)>")


@dataclass(frozen=True)
class Operation:
    """A method on a path; `route` is that below /api/v2/ as the URL map has it."""

    method: str
    route: str

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def has_tenant(self) -> bool:
        return "<int:tenant_id>" in self.route

    @property
    def objects(self) -> list[str]:
        """The names of the objects in its path."""
        return [name for name in _PARAMETER.findall(self.route) if name != "tenant_id"]


@dataclass(frozen=True)
class Plan:
    """How acme calls an operation. `body`: acme's own words, with names of its objects written as "<template_id>".
    `objects`: which of acme's objects stands in the path, where it is not the one of that name."""

    body: Any = None
    query: str = ""
    objects: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    answers: tuple[int, ...] = (200, 201, 202, 204)
    refers: bool = False


_ONE = "campaigns/<int:tenant_id>/<int:campaign_id>"
_SOURCE = "data-sources/<int:tenant_id>/<int:source_id>"
_IMPORT = "imports/<int:tenant_id>/<int:import_id>"
_ENDPOINT = "endpoints/<int:tenant_id>/<int:endpoint_id>"
_DRAFT = {"campaign_id": "draft_id"}
_EVENT = {"events": [{"event": "complained", "message_id": "<mail_token>", "event_id": "one"}]}

PLANS: dict[str, Plan] = {
    "POST campaigns": Plan(
        {
            "name": "Autumn",
            "template_id": "<template_id>",
            "segment_id": "<segment_id>",
            "tags_all": [PLAIN_TAG],
            "from": "Acme <news@acme.example>",
        },
        refers=True,
    ),
    f"PUT {_ONE}": Plan({"name": "Winter"}, objects=_DRAFT),
    f"DELETE {_ONE}": Plan(objects=_DRAFT),
    f"POST {_ONE}/send": Plan({}, objects=_DRAFT),
    f"POST {_ONE}/pause": Plan({}),
    f"POST {_ONE}/resume": Plan({}, objects={"campaign_id": "paused_id"}),
    f"POST {_ONE}/cancel": Plan({}),
    f"POST {_ONE}/duplicate": Plan({}),
    f"POST {_ONE}/preview": Plan({"contact_id": "<contact_id>"}, refers=True),
    f"POST {_ONE}/test": Plan({"addresses": ["boss@acme.example"]}),
    f"GET {_ONE}/variants": Plan(objects=_DRAFT),
    f"PUT {_ONE}/variants": Plan({"variants": []}, objects=_DRAFT),
    f"POST {_ONE}/variants/winner": Plan({"variant_id": 1}, answers=(409,)),
    "POST contacts": Plan({"email": "new@example.com", "source_id": "<source_id>"}, refers=True),
    "PUT contacts/<int:tenant_id>/<int:contact_id>": Plan({"first_name": "Other"}),
    "DELETE contacts/<int:tenant_id>/<int:contact_id>": Plan(),
    "POST contacts/<int:tenant_id>/bulk": Plan(
        {"contacts": [{"email": "new@example.com"}], "source_id": "<source_id>"}
    ),
    "POST contacts/<int:tenant_id>/tag": Plan({"contact_ids": ["<contact_id>"], "tags": [PLAIN_TAG]}),
    "POST contacts/<int:tenant_id>/untag": Plan({"contact_ids": ["<contact_id>"], "tags": [PLAIN_TAG]}),
    "POST contacts/<int:tenant_id>/validate": Plan({"contact_ids": ["<contact_id>"]}),
    "POST data-sources": Plan({"name": "Cards", "type": "manual"}),
    f"PUT {_SOURCE}": Plan({"name": "Renamed"}),
    f"DELETE {_SOURCE}": Plan(objects={"source_id": "spare_source_id"}),
    f"POST {_SOURCE}/sync": Plan({"force": True}),
    f"POST {_SOURCE}/test": Plan({}, objects={"source_id": "spare_source_id"}, answers=(409,)),
    "POST endpoints": Plan({"url": "https://hooks.acme.example/mail"}),
    f"PUT {_ENDPOINT}": Plan({"url": "https://hooks.acme.example/mail", "kinds": ["sent"]}),
    f"DELETE {_ENDPOINT}": Plan(),
    f"POST {_ENDPOINT}/rotate": Plan({}),
    f"POST {_ENDPOINT}/test": Plan({}),
    f"POST {_ENDPOINT}/pause": Plan({}),
    f"POST {_ENDPOINT}/resume": Plan({}),
    f"POST {_ENDPOINT}/replay": Plan({"since": "2020-01-01T00:00:00Z"}),
    f"POST {_ENDPOINT}/deliveries/<int:delivery_id>/resend": Plan({}),
    "POST imports": Plan({}, form=True),
    f"DELETE {_IMPORT}": Plan(),
    f"POST {_IMPORT}/run": Plan({"mode": "add"}),
    f"POST {_IMPORT}/resume": Plan({}, objects={"import_id": "failed_import_id"}),
    f"POST {_IMPORT}/stop": Plan({}, objects={"import_id": "running_import_id"}),
    "POST keys": Plan({"name": "Shop", "scopes": ["read"]}),
    "DELETE keys/<int:tenant_id>/<int:key_id>": Plan(),
    "POST keys/<int:tenant_id>/<int:key_id>/rotate": Plan({}),
    "POST segments": Plan({"name": "All", "tree": {"tag": PLAIN_TAG}}, refers=True),
    "PUT segments/<int:tenant_id>/<int:segment_id>": Plan({"description": "Other"}),
    "DELETE segments/<int:tenant_id>/<int:segment_id>": Plan(objects={"segment_id": "spare_segment_id"}),
    "POST segments/<int:tenant_id>/try": Plan({"tree": {"tag": PLAIN_TAG}}, refers=True),
    "POST suppressions": Plan({"email": "nobody@example.com"}),
    "GET suppressions/<int:tenant_id>/check": Plan(query=f"email={GONE}"),
    "DELETE suppressions/<int:tenant_id>/<int:suppression_id>": Plan(),
    "POST tags": Plan({"slug": "fresh", "name": "Fresh"}),
    "PUT tags/<int:tenant_id>/<int:tag_id>": Plan({"name": "Other"}),
    "DELETE tags/<int:tenant_id>/<int:tag_id>": Plan(),
    "POST templates": Plan({"name": "Letter", "subject": "Hello", "html": "<p>Hello</p>"}),
    "PUT templates/<int:tenant_id>/<int:template_id>": Plan({"subject": "Other"}),
    "DELETE templates/<int:tenant_id>/<int:template_id>": Plan(objects={"template_id": "spare_template_id"}),
    "POST templates/<int:tenant_id>/check": Plan({"subject": "Hello", "html": "<p>Hello</p>"}),
    "POST templates/<int:tenant_id>/<int:template_id>/preview": Plan({"contact_id": "<contact_id>"}, refers=True),
    "PUT tenants/<int:tenant_id>": Plan({"brand_domain": "other.example"}),
    "POST tokens": Plan({"scopes": ["read"]}),
    "POST validation/<int:tenant_id>/check": Plan({"emails": ["ana@"]}),
    "POST webhooks/generic": Plan(_EVENT),
    "POST webhooks/mailwizz": Plan({"action": "open"}),
    "POST webhooks/powermta": Plan({"type": "d"}),
    "POST webhooks/test": Plan({"hello": "world"}),
}
"""What needs more than its path. A GET, and only a GET, may do without."""

OPEN = {"GET webhooks/health"}
"""Operations that need no key, because they say nothing about any tenant."""

READING_POSTS = {"POST segments/<int:tenant_id>/try", "POST tokens"}
"""POSTs that change nothing and that a key with the scope `read` may call."""

WITHOUT_TEXT = {
    "GET stats/<int:tenant_id>/campaigns",
    "GET stats/<int:tenant_id>/events",
    "GET stats/<int:tenant_id>/performance",
    "GET segments/<int:tenant_id>/<int:segment_id>/count",
    "GET suppressions/<int:tenant_id>/check",
    "GET webhooks/health",
}
"""Operations whose answers hold numbers only; all other GETs must show acme its mark, or the trial would prove nothing."""


def operations() -> list[Operation]:
    """All of them, on the public host and on tenants' hosts."""
    found = {
        Operation(method.upper(), route)
        for urls in ("config.urls_public", "config.urls_tenant")
        for route, view in _routes(get_resolver(urls), "")
        if route.startswith(_PREFIX)
        for method in METHODS
        if hasattr(getattr(view, "cls", view), method)
        for route in [route.removeprefix(_PREFIX)]
    }
    return sorted(found, key=lambda one: (one.route, one.method))


def plan_of(operation: Operation) -> Plan:
    """Raises KeyError for an operation that nobody has thought about."""
    return PLANS.get(str(operation), Plan()) if operation.method == "GET" else PLANS[str(operation)]


def path_of(operation: Operation, tenant: Tenant, owned: Owned) -> str:
    """Its path in `tenant` with the ids of acme's objects."""
    plan = plan_of(operation)

    def stand_in(found: "re.Match[str]") -> str:
        name = found[1]
        return str(tenant.pk if name == "tenant_id" else owned.ids[plan.objects.get(name, name)])

    return _PARAMETER.sub(stand_in, operation.route) + (f"?{plan.query}" if plan.query else "")


def call(api: V2, operation: Operation, tenant: Tenant, owned: Owned, **headers: str) -> "Told":
    """The operation on `tenant`, named in the path, or in the body where the path has none."""
    plan, path = plan_of(operation), path_of(operation, tenant, owned)
    naming = {} if operation.has_tenant or operation.method == "GET" else {"tenant_id": tenant.pk}
    inside = connection.tenant  # type: ignore[attr-defined]
    try:
        if plan.form:
            named = {"host": "localhost", "x-api-key": api.key} | {
                name.replace("_", "-"): value for name, value in headers.items()
            }
            data = {"file": SimpleUploadedFile("people.csv", FILE), **naming}
            answer = api.client.post(
                f"/api/v2/{path}", data, headers={name: text for name, text in named.items() if text}
            )
        else:
            body = None if plan.body is None else {**_filled(plan.body, owned), **naming}
            answer = api.call(operation.method, path, body, **headers)
        return _heard(answer)
    finally:
        connection.set_tenant(inside)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Told:
    """An answer, to its end."""

    status: int
    headers: str
    body: bytes

    @property
    def has_mark(self) -> bool:
        return MARK in self.headers.lower() or MARK.encode() in self.body.lower()


def _heard(answer: Any) -> Told:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return Told(answer.status_code, repr(answer.headers), body)


def _filled(given: Any, owned: Owned) -> Any:
    if isinstance(given, dict):
        return {name: _filled(value, owned) for name, value in given.items()}
    if isinstance(given, list):
        return [_filled(value, owned) for value in given]
    if isinstance(given, str) and given.startswith("<") and given.endswith(">") and given[1:-1] in owned.ids:
        return owned.ids[given[1:-1]]
    return given


def _routes(resolver: Any, before: str) -> Iterator[tuple[str, Any]]:
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _routes(one, route)
        elif route.startswith(_PREFIX):
            yield route, one.callback
