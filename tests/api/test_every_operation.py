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
from tenants.models import Tenant
from tenants.services.keys import SCOPES
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
    (method.upper(), path)
    for path, methods in json.loads(openapi_document())["paths"].items()
    for method in methods
    if path.startswith("/api/v2")
]


@pytest.fixture(autouse=True)
def _the_connection_is_the_tests_own() -> Iterator[None]:
    """As with Django's own test client, the end of a request does not close it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_an_operation_keeps_to_its_document(acme: Tenant, method: str, path: str) -> None:
    key = caller(acme, scopes=list(SCOPES)).key
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
    @given(st.one_of(operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)))
    def call(case: Any) -> None:
        if "tenant_id" in (case.path_parameters or {}) and isinstance(case.path_parameters["tenant_id"], int):
            case.path_parameters["tenant_id"] = acme.pk
        connection.set_tenant(acme)
        with transaction.atomic():
            response = case.call(headers={"X-API-Key": key, "Host": "localhost"})
            connection.set_tenant(acme)
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)

    call()
    connection.set_tenant(acme)
