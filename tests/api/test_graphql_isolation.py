"""GraphQL tried with another tenant's key, token, host and ids: nothing of acme is told.

What is asked comes from the schema: a new field of Query without a plan fails here.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.urls import URLResolver, get_resolver
from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from api.graphql.schema import schema
from api.graphql.views import GraphQLView
from tenants.models import Tenant
from tenants.services.keys import SCOPES
from tests.api.graphql_cast import Asking, asking
from tests.api.isolation_objects import MARK, Owned, make_everything, picture
from tests.api.v2_cast import V2, caller

QUERY = schema._schema.query_type
assert QUERY is not None
# The arguments of each field, with acme's ids by the names its paths have for them.
PLANS: dict[str, str] = {
    "campaigns": "",
    "campaign": '(id: "<campaign_id>")',
    "campaignReport": '(id: "<campaign_id>")',
    "contacts": "",
    "contactCount": "",
    "contact": '(id: "<contact_id>")',
    "tags": "",
    "tag": '(id: "<tag_id>")',
    "templates": "(first: 5)",
    "template": '(id: "<template_id>")',
    "segments": "",
    "segment": '(id: "<segment_id>")',
    "suppressions": "",
    "suppression": '(id: "<suppression_id>")',
    "dataSources": "",
    "dataSource": '(id: "<source_id>")',
    "statistics": "",
}
BY_ID = [name for name, arguments in PLANS.items() if "<" in arguments]
WITHOUT_TEXT = {"contactCount"}


@pytest.fixture(autouse=True)
def _limits_are_far_away(settings: LazySettings) -> None:
    for name in ("KEY", "TENANT"):
        setattr(settings, f"API_LIMIT_PER_{name}", 1_000_000)
    settings.API_LIMIT_GLOBAL = 1_000_000


@pytest.fixture
def owned(acme: Tenant, tmp_path: Path, settings: LazySettings) -> Owned:
    settings.DATA_DIR = tmp_path
    return make_everything(acme, tmp_path)


def query_of(name: str, owned: Owned) -> str:
    """Everything that this field of Query can tell."""
    arguments = PLANS[name]
    for key, number in owned.ids.items():
        arguments = arguments.replace(f"<{key}>", str(number))
    return f"{{ {name}{arguments} {_everything(get_named_type(QUERY.fields[name].type))} }}"


def _everything(kind: Any) -> str:
    if not isinstance(kind, GraphQLObjectType):
        return ""
    # A template's mail is asked for with the templates.
    fields = [
        f"{name} {_everything(get_named_type(field.type))}"
        for name, field in kind.fields.items()
        if is_leaf_type(get_named_type(field.type)) or not (kind.name == "Campaign" and name == "template")
    ]
    return f"{{ {' '.join(fields)} }}"


def has_mark(answer: Any) -> bool:
    return MARK.encode() in answer.content.lower() or MARK in repr(answer.headers).lower()


def refused(answers: Iterator[tuple[str, Any]], status: int) -> list[str]:
    return [
        f"{name}: {answer.status_code} {answer.content[:200]!r}"
        for name, answer in answers
        if answer.status_code != status or has_mark(answer)
    ]


def test_the_path_is_on_every_host_and_takes_only_post() -> None:
    for urls in ("config.urls_public", "config.urls_tenant"):
        found = [one for one in _routes(get_resolver(urls), "") if "graphql" in one[0]]
        assert [(route, view.cls) for route, view in found] == [("graphql", GraphQLView)]
    assert GraphQLView.scopes == {"POST": "read"}
    assert not any(hasattr(GraphQLView, method) for method in ("get", "put", "patch", "delete"))


def test_every_field_has_a_plan() -> None:
    assert set(PLANS) == set(QUERY.fields)


def test_acme_itself_sees_its_mark(acme: Tenant, owned: Owned) -> None:
    """Without this the refusals below would prove nothing."""
    own, faults = asking(acme), []
    for name in PLANS:
        answer = own.post({"query": query_of(name, owned)})
        told = answer.json()
        if answer.status_code != 200 or "errors" in told or has_mark(answer) == (name in WITHOUT_TEXT):
            faults.append(f"{name}: {answer.content[:300]!r}")
    assert faults == []


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_call_for_globex_tells_nothing_of_acme(acme: Tenant, globex: Tenant, owned: Owned, is_admin: bool) -> None:
    other = asking(globex, scopes=list(SCOPES), is_admin=is_admin)
    faults = []
    for name in PLANS:
        answer = other.post({"query": query_of(name, owned)})
        told = answer.json()
        if answer.status_code != 200 or "errors" in told or has_mark(answer):
            faults.append(f"{name}: {answer.content[:300]!r}")
        elif name in BY_ID and told["data"] != {name: None}:
            faults.append(f"{name}: {told}")
    assert faults == []


def test_answers_are_the_same_whether_another_tenant_has_anything_or_not(
    acme: Tenant, globex: Tenant, tmp_path: Path, settings: LazySettings
) -> None:
    settings.DATA_DIR = tmp_path
    other = asking(globex)
    asked = [name for name in PLANS if name not in BY_ID]

    def told() -> dict[str, Any]:
        found = {name: json.loads(other.post({"query": query_of(name, Owned())}).content) for name in asked}
        found["statistics"]["data"]["statistics"].pop("countedAt")
        return found

    before = told()
    connection.set_tenant(acme)  # type: ignore[attr-defined]
    make_everything(acme, tmp_path)
    assert told() == before


def test_a_key_a_token_and_a_host_of_another_tenant_are_refused(acme: Tenant, globex: Tenant, owned: Owned) -> None:
    key = caller(globex, scopes=list(SCOPES))
    token = key.post("tokens", {"tenant_id": globex.pk}).json()["token"]
    tries: dict[str, tuple[Asking, dict[str, Any], dict[str, str]]] = {
        "named in the body": (Asking(key), {"tenant_id": acme.pk}, {}),
        "named in the header": (Asking(key), {}, {"x_workspace_id": acme.workspace_id}),
        "a token": (Asking(V2(globex, "")), {"tenant_id": acme.pk}, {"authorization": f"Bearer {token}"}),
        "acme's host": (Asking(key), {}, {"host": "acme.testserver"}),
        "acme's key on globex' host": (asking(acme), {}, {"host": "globex.testserver"}),
    }
    answers = (
        (f"{what}, {name}", who.post({"query": query_of(name, owned), **body}, **headers))
        for what, (who, body, headers) in tries.items()
        for name in PLANS
    )
    assert refused(answers, 403) == []


def test_without_a_key_nothing_answers(acme: Tenant, owned: Owned) -> None:
    nobody = Asking(V2(acme, ""))
    assert refused(((name, nobody.post({"query": query_of(name, owned)})) for name in PLANS), 401) == []


def test_reading_changes_no_row_of_any_tenant(acme: Tenant, globex: Tenant, owned: Owned) -> None:
    own = asking(acme)
    changed = []
    for name in PLANS:
        with transaction.atomic():
            before = picture(acme.schema_name, globex.schema_name)
            own.post({"query": query_of(name, owned)})
            if picture(acme.schema_name, globex.schema_name) != before:
                changed.append(name)
            transaction.set_rollback(True)
    assert changed == []


def _routes(resolver: Any, before: str) -> Iterator[tuple[str, Any]]:
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _routes(one, route)
        else:
            yield route, one.callback
