"""Every documented operation, called in ways its document allows and forbids: no server error, no answer that is not
documented. API_EXAMPLES=300 looks longer."""

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.docs.document import openapi_document
from campaigns.models import Campaign, Template
from contacts.models import Contact
from deliverability.services.domains import create_sending_domain
from outbound.models import ProviderAccount
from tenants.models import Tenant
from tenants.services.keys import SCOPES
from tenants.services.setting_rows import rows
from tests.api.provider_servers import mailgun_server
from tests.api.relay_cast import SENDER, furnish, relay
from tests.api.v2_cast import caller

EXAMPLES = int(os.environ.get("API_EXAMPLES", "12"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_PATHS = json.loads(openapi_document())["paths"]
OPERATIONS = [(method.upper(), path) for path, methods in _PATHS.items() for method in methods]
# So many calls would only be told that they are too many.
_UNLIMITED = {
    "API_LIMIT_AEGIS": 0,
    "API_LIMIT_GLOBAL": 0,
    "API_LIMIT_PER_KEY": 0,
    "API_LIMIT_PER_TENANT": 0,
    "API_LIMIT_RELAY_ADMIN": 0,
    "API_LIMIT_RELAY_LIST": 0,
    "API_LIMIT_RELAY_REALTIME": 0,
    "API_LIMIT_RELAY_SEND": 0,
    "API_LIMIT_RELAY_TIERS": 0,
    "RATE_LIMIT_MAX": 0,
}


@pytest.fixture
def known(acme: Tenant) -> dict[str, Any]:
    """What is there, by the names that paths have for it. The tenant can send."""
    furnish()
    for name in ("example.com", "yourdomain.com"):
        create_sending_domain(name=name)
    Contact.objects.create(email="ann@example.com", email_key="ann@example.com")
    template = Template.objects.create(name="letter", subject="Hello", html="<p>Hello</p>")
    provider = ProviderAccount.objects.get()
    campaign = Campaign.objects.create(name="Spring", template=template, from_address=SENDER, provider=provider)
    return {"email": "ann@example.com", "campaign_id": f"camp-{campaign.pk}", "workspace_id": acme.workspace_id}


@pytest.fixture(autouse=True)
def _without_limits_and_settings() -> Iterator[None]:
    rows.forget()
    with override_settings(**_UNLIMITED):
        yield
    rows.forget()


@pytest.fixture(autouse=True)
def _mailgun_answers() -> Iterator[None]:
    """Of the other errors that the document has, a fault of a provider's is one that no call brings about."""
    with mailgun_server() as server, override_settings(MAILGUN_URL_US=server.url, MAILGUN_URL_EU=server.url):
        yield


@pytest.fixture(autouse=True)
def _the_connection_is_the_tests_own() -> Iterator[None]:
    """As with Django's own test client, the end of a request does not close it."""
    _let_connections_be()
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_an_operation_keeps_to_its_document(acme: Tenant, known: dict[str, Any], method: str, path: str) -> None:
    key = caller(acme, scopes=list(SCOPES), is_admin=path.startswith("/api/admin/")).key
    if "{message_id}" in path or "{email_id}" in path:
        # Only here: a message that is not committed holds a lock, and /status counts over a connection of its own.
        known["message_id"] = known["email_id"] = relay(acme).sent()
        _let_connections_be()
    operation = _schema()[path][method]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.one_of(operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)),
        st.booleans(),
        st.integers(0, 99),
    )
    def call(case: Any, is_about_something: bool, number: int) -> None:
        parameters = case.path_parameters or {}
        if isinstance(parameters.get("tenant_id"), int):
            parameters["tenant_id"] = acme.pk
        elif is_about_something and not path.startswith("/api/v2"):
            parameters |= {name: known[name] for name in parameters}
            case.query |= {name: known[name] for name in case.query or () if name == "workspace_id"}
            case.body = _nearly_an_example(case.body, _example(method, path), number)
        connection.set_tenant(acme)
        # What the call before changed has been rolled back.
        rows.forget()
        with transaction.atomic():
            response = case.call(headers={"X-API-Key": key, "Host": "localhost"})
            connection.set_tenant(acme)
            transaction.set_rollback(True)
        case.validate_response(response, checks=_checks(response))

    call()
    connection.set_tenant(acme)


@cache
def _schema() -> Any:
    """Read once: it is long. The first test may ask for it, not the module, which is read without a database."""
    return schemathesis.openapi.from_wsgi("/openapi.json", WSGIHandler(), headers={"Host": "localhost"})


def _let_connections_be() -> None:
    """Django's own test client has signals close them again when it is done."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)


def _checks(response: Any) -> list[Any]:
    """A stream of events is text by its schema; schemathesis holds each event for an object."""
    is_stream = response.headers.get("content-type", [""])[0].startswith("text/event-stream")
    return [check for check in CHECKS if not (is_stream and check is response_schema_conformance)]


def _example(method: str, path: str) -> dict[str, Any]:
    """Of a body, the last one in the document."""
    content = _PATHS[path][method.lower()].get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = list(content.get("examples", {}).values())
    return dict(examples[-1]["value"]) if examples else {}


def _nearly_an_example(body: Any, example: dict[str, Any], number: int) -> Any:
    """The example with one field as it was made up: so more is looked at than the first thing that is wrong."""
    if not isinstance(body, dict) or not body or not example:
        return body
    name = sorted(body)[number % len(body)]
    return {**example, name: body[name]}
