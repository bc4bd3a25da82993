"""Every documented operation, called in ways its document allows and forbids: no server error, no answer that is not
documented. API_EXAMPLES=300 looks longer."""

import json
import os
from collections.abc import Iterator
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
from outbound.models import ProviderAccount
from tenants.models import Tenant
from tenants.services.keys import SCOPES
from tenants.services.setting_rows import rows
from tests.api.relay_cast import SENDER, furnish, relay
from tests.api.v2_cast import caller

EXAMPLES = int(os.environ.get("API_EXAMPLES", "15"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = [
    (method.upper(), path) for path, methods in json.loads(openapi_document())["paths"].items() for method in methods
]
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
    Contact.objects.create(email="ann@example.com", email_key="ann@example.com")
    template = Template.objects.create(name="letter", subject="Hello", html="<p>Hello</p>")
    provider = ProviderAccount.objects.get()
    campaign = Campaign.objects.create(name="Spring", template=template, from_address=SENDER, provider=provider)
    message = relay(acme).sent()
    return {
        "tenant_id": acme.pk,
        "message_id": message,
        "email_id": message,
        "email": "ann@example.com",
        "campaign_id": f"camp-{campaign.pk}",
    }


@pytest.fixture(autouse=True)
def _the_connection_is_the_tests_own(known: dict[str, Any]) -> Iterator[None]:
    """The end of a request does not close it. Django's own test client, which `known` uses, undoes that after each call."""
    rows.forget()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    with override_settings(**_UNLIMITED):
        yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    rows.forget()


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_an_operation_keeps_to_its_document(acme: Tenant, known: dict[str, Any], method: str, path: str) -> None:
    key = caller(acme, scopes=list(SCOPES), is_admin=path.startswith("/api/admin/")).key
    schema = schemathesis.openapi.from_wsgi("/openapi.json", WSGIHandler(), headers={"Host": "localhost"})
    operation = schema[path][method]

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
    )
    def call(case: Any, is_about_something: bool) -> None:
        parameters = case.path_parameters or {}
        if isinstance(parameters.get("tenant_id"), int):
            parameters["tenant_id"] = acme.pk
        elif is_about_something and not path.startswith("/api/v2"):
            parameters |= {name: known[name] for name in parameters}
            _address(case.body)
        connection.set_tenant(acme)
        # What the call before changed has been rolled back.
        rows.forget()
        with transaction.atomic():
            response = case.call(headers={"X-API-Key": key, "Host": "localhost"})
            connection.set_tenant(acme)
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)

    call()
    connection.set_tenant(acme)


def _address(body: Any) -> None:
    """A message in the body comes from whom it may, and goes to somebody: so more is looked at than its addresses."""
    if isinstance(body, dict) and "subject" in body:
        body["to"] = ["ann@example.com"] if isinstance(body.get("to"), list) else "ann@example.com"
        if "from" in body:
            body["from"] = SENDER
