"""Whatever a body holds, its refusal can be written down."""

from typing import Any

import pytest
from django.test import override_settings
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.views import V2View
from common.errors import InvalidInput
from tenants.models import Tenant
from tests.api.v2_cast import caller


class Numbers(serializers.Serializer):
    numbers = serializers.DictField(child=serializers.IntegerField(), required=False)
    kind = serializers.ChoiceField(choices=["a"], required=False)


class Echo(V2View):
    """Says back what it cannot use."""

    scopes = {"POST": "read"}

    def post(self, request: Request) -> Response:
        self.checked(Numbers)
        word = request.data["word"]
        raise InvalidInput(f"{word} means nothing.", field=word, hint=f"Not {word}.")


urlpatterns = [path("api/v2/echo", Echo.as_view())]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"numbers": {"a\ud800": "x"}}, "numbers.a\\ud800", "A valid integer is required."),
        ({"kind": "\udfff"}, "kind", '"\\udfff" is not a valid choice.'),
        ({"word": "\ud83d!"}, "\\ud83d!", "\\ud83d! means nothing."),
        ({"word": "héé 😀"}, "héé 😀", "héé 😀 means nothing."),
    ],
    ids=ascii,
)
def test_half_characters_in_a_refusal_are_written_as_their_escapes(
    acme: Tenant, body: dict[str, Any], field: str, message: str
) -> None:
    with override_settings(PUBLIC_SCHEMA_URLCONF="tests.api.test_errors"):
        answer = caller(acme).post("echo", body)
    error = answer.json()["error"]
    assert (answer.status_code, error["field"], error["message"]) == (422, field, message)
    assert error["request_id"] == answer.headers["X-Request-ID"]
