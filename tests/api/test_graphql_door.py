"""POST /graphql: keys, scopes, limits and errors are those of API v2; errors in a query are GraphQL's."""

import logging
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from graphql import get_introspection_query

from api.graphql import executing
from api.graphql.schema import schema
from common.database import connection
from common.metrics import HTTP_REQUESTS
from tenants.models import Tenant
from tests.api.graphql_cast import Asking, asking, nodes
from tests.api.v2_cast import V2, caller
from tests.campaigns.cast import add_contacts, add_tag

COUNT = {"query": "{ contactCount }"}
SCHEMA = Path("docs/graphql.schema")
V2_ERROR = {"code", "message", "field", "hint", "request_id"}


@pytest.fixture
def graphql(acme: Tenant) -> Asking:
    return asking(acme)


@pytest.mark.parametrize("key", ["", "ls_0123456789ab_wrong"])
def test_without_a_key_that_is_accepted_nothing_is_told_not_even_the_schema(acme: Tenant, key: str) -> None:
    answer = Asking(V2(acme, key)).post({"query": get_introspection_query()})
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert set(error) == V2_ERROR
    assert error["code"] == "invalid_api_key"


def test_a_key_without_the_scope_read_is_refused(acme: Tenant) -> None:
    answer = asking(acme, scopes=["send", "contacts"]).post(COUNT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_a_token_of_a_key_may_read(acme: Tenant) -> None:
    key = caller(acme, scopes=["read"])
    token = key.post("tokens", {}).json()["token"]
    answer = Asking(V2(acme, "")).post(COUNT, authorization=f"Bearer {token}")
    assert answer.json() == {"data": {"contactCount": 0}}


def test_an_admin_key_reads_the_tenant_that_its_body_names(acme: Tenant, globex: Tenant) -> None:
    connection.set_tenant(acme)
    add_contacts(2)
    admin = asking(globex, is_admin=True)
    assert admin.post({**COUNT, "tenant_id": acme.pk}).json() == {"data": {"contactCount": 2}}
    assert admin.post(COUNT, x_workspace_id=acme.workspace_id).json() == {"data": {"contactCount": 2}}
    assert admin.post(COUNT).json() == {"data": {"contactCount": 0}}


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_there_is_only_post_and_no_page_to_try_it_out(graphql: Asking, method: str) -> None:
    headers = {"host": "localhost", "x-api-key": graphql.key, "accept": "text/html"}
    answer = getattr(Client(), method)("/graphql", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ("{", 400, None),
        ("[]", 422, None),
        ([COUNT, COUNT], 422, None),
        ({}, 422, "query"),
        ({"query": ""}, 422, "query"),
        ({"query": 5}, 422, "query"),
        ({"query": "{ contactCount }", "variables": []}, 422, "variables"),
        ({"query": "{ contactCount }", "operationName": 5}, 422, "operationName"),
        ({"query": "{ contactCount } " + " " * 50_000}, 422, "query"),
    ],
    ids=["no json", "a list", "several", "nothing", "empty", "a number", "variables", "operation", "long"],
)
def test_a_body_that_is_no_query_is_refused_in_the_shape_of_api_v2(
    graphql: Asking, body: Any, status: int, field: str | None
) -> None:
    answer = graphql.post(body)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == V2_ERROR
    assert answer.json()["error"]["field"] == field


def test_a_body_that_is_too_large_is_refused_before_it_is_read(graphql: Asking) -> None:
    answer = graphql.post({**COUNT, "variables": {"x": "y" * 300_000}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_calls_are_counted_as_those_of_api_v2(graphql: Asking, settings: LazySettings) -> None:
    settings.API_LIMIT_PER_KEY = 2
    first = graphql.post(COUNT)
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("2", "1")
    assert graphql.api.get(f"tags/{graphql.api.tenant.pk}").status_code == 200
    third = graphql.post(COUNT)
    assert (third.status_code, third.json()["error"]["code"]) == (429, "quota_exceeded")
    assert third.headers["Retry-After"]


def test_a_call_is_counted_for_the_metrics(graphql: Asking) -> None:
    def counted() -> float:
        return float(HTTP_REQUESTS.labels("POST", "graphql", 200)._value.get())

    before = counted()
    graphql.data("{ contactCount }")
    assert counted() == before + 1


@pytest.mark.parametrize("kind", ["mutation", "subscription"])
def test_there_is_nothing_but_queries(graphql: Asking, kind: str) -> None:
    error = graphql.error(f"{kind} {{ contactCount }}")
    assert error["message"] == "This path only reads: there are queries, and nothing else."
    assert schema._schema.mutation_type is schema._schema.subscription_type is None


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", {}, "invalid_query"),
        ("{ nothing }", {}, "invalid_query"),
        ("query($first: Int!) { tags(first: $first) { edges { cursor } } }", {}, "invalid_query"),
        ("query($first: Int!) { tags(first: $first) { edges { cursor } } }", {"first": "x"}, "invalid_query"),
        ("query($first: Int!) { tags(first: $first) { edges { cursor } } }", {"first": 101}, "invalid_input"),
        ("{ tags(first: 0) { edges { cursor } } }", {}, "invalid_input"),
        ("{ tags(first: -1) { edges { cursor } } }", {}, "invalid_input"),
        ('{ tags(after: "!") { edges { cursor } } }', {}, "invalid_input"),
        ('{ tags(after: "LTE=") { edges { cursor } } }', {}, "invalid_input"),
        ('{ tag(id: "x") { id } }', {}, "invalid_input"),
        ('{ tag(id: "99999999999999999999") { id } }', {}, "invalid_input"),
        ('{ contact(email: "no address") { id } }', {}, "invalid_email"),
        ('{ contact(email: "a\\u0000b@example.com") { id } }', {}, "invalid_email"),
        ("{ contact { id } }", {}, "invalid_input"),
        ('{ contact(id: "1", email: "a@example.com") { id } }', {}, "invalid_input"),
        ('{ templates(name: "a\\u0000") { edges { cursor } } }', {}, "invalid_input"),
        ('{ suppressions(q: "a\\u0000") { edges { cursor } } }', {}, "invalid_input"),
        ('{ suppressions(reason: "x") { edges { cursor } } }', {}, "invalid_input"),
        ('{ contacts(filter: {attribute: "x"}) { edges { cursor } } }', {}, "invalid_input"),
        ('{ contacts(filter: {createdAfter: "2026-01-01"}) { edges { cursor } } }', {}, "invalid_input"),
        ('{ contacts(filter: {createdAfter: "2026-01-01T00:00:00"}) { edges { cursor } } }', {}, "invalid_input"),
    ],
)
def test_an_error_in_a_query_has_a_code_and_the_request_id(
    graphql: Asking, query: str, variables: dict[str, Any], code: str
) -> None:
    answer = graphql.post({"query": query, "variables": variables}, x_request_id="from-the-caller")
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert error["extensions"]["request_id"] == "from-the-caller"
    assert error["extensions"]["code"] == code
    assert error["message"]


def test_what_nobody_foresaw_is_noted_and_told_without_its_words(
    graphql: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contacts_tag RENAME COLUMN description TO gone_column")
    with caplog.at_level(logging.ERROR):
        answer = graphql.post(
            {"query": "{ contactCount tags { edges { node { description } } } contact(id: 1) { id } }"}
        )
    told = answer.json()
    assert told["data"] is None
    (error,) = told["errors"]
    assert error["extensions"]["code"] == "internal_error"
    assert error["path"] == ["tags"]
    for word in ("contacts_tag", "gone_column", "SELECT", "Traceback", "psycopg"):
        assert word not in answer.content.decode()
    assert "UndefinedColumn" in caplog.text


def test_a_statement_that_takes_too_long_is_given_up(graphql: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    add_contacts(1)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION slow() RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(30) IS NULL';"
            "ALTER TABLE contacts_contact RENAME TO contacts_all;"
            "CREATE VIEW contacts_contact AS SELECT * FROM contacts_all WHERE slow()"
        )
        monkeypatch.setattr(executing, "SECONDS", 1)
        error = graphql.error("{ contacts { edges { node { id } } } tags { edges { node { id } } } }")
        assert error["extensions"]["code"] == "unavailable"
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_the_time_limit_of_a_query_does_not_outlast_it(graphql: Asking) -> None:
    graphql.data("{ contactCount }")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_an_idempotency_key_gets_the_first_answer_again(graphql: Asking) -> None:
    first = graphql.post(COUNT, idempotency_key="one")
    add_contacts(1)
    again = graphql.post(COUNT, idempotency_key="one")
    assert first.json() == again.json() == {"data": {"contactCount": 0}}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert graphql.post({"query": "{ __typename }"}, idempotency_key="one").status_code == 409


def test_what_one_field_cannot_tell_the_others_still_do(graphql: Asking) -> None:
    add_tag("vip")
    told = graphql.ask('{ tag(id: "x") { id } tags { edges { node { slug } } } }')
    assert told["data"]["tag"] is None
    assert nodes(told["data"]["tags"]) == [{"slug": "vip"}]
    assert told["errors"][0]["path"] == ["tag"]


def test_a_page_of_a_listed_origin_may_ask(graphql: Asking, settings: LazySettings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://desk.example"]
    answer = graphql.post(COUNT, origin="https://desk.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://desk.example"


def test_the_schema_in_the_documentation_is_that_of_the_program() -> None:
    """To write it again: manage.py shell -v 0 -c "from api.graphql.schema import schema; print(schema)" > docs/graphql.schema"""
    assert SCHEMA.read_text() == f"{schema}\n"
