"""What the documentation of the relay's operations shares."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from api.relay.errors import STATUS


class RelayErrorBody(serializers.Serializer):
    """What went wrong."""

    code = serializers.ChoiceField(choices=list(STATUS), help_text="for programs")
    message = serializers.CharField(help_text="for people")
    details = serializers.DictField(help_text="`field`, `hint`, `reason`; of a limit `limit`, `used`, `reset_at`")
    request_id = serializers.CharField(help_text="the same as in the header X-Request-ID and in the log")
    timestamp = serializers.DateTimeField()


class RelayError(serializers.Serializer):
    """The one shape of errors of the relay."""

    success = serializers.BooleanField(default=False)
    error = RelayErrorBody()


_MEANING = {
    400: "Something in the path, the query or the body cannot be used; `details.field` says what.",
    401: "No key or token, or none that is accepted.",
    403: "The key may not do this, or belongs to another workspace.",
    404: "There is no such thing, or not in this workspace.",
    405: "This path does not know the method.",
    409: "The thing is in a state that does not allow this, or exists already.",
    413: "The body or the message is too large.",
    415: "The body must be JSON.",
    429: "Too many calls, or the day's quota is used up; Retry-After says when to try again.",
    500: "A fault here; it has been noted.",
    502: "A provider did not do what was asked of it.",
    503: "Maintenance, a full queue, or something that is needed is away; try again.",
}
_ALWAYS = (400, 401, 403, 404, 405, 429, 503)
_WITH_BODY = (413, 415)

WORKSPACE = OpenApiParameter("workspace_id", str, description="the key's own when left out; an admin key names any")
PAGE = [
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 500}, description="50 when left out"),
    OpenApiParameter("offset", {"type": "integer", "minimum": 0, "maximum": 1_000_000}, description="how many to skip"),
    OpenApiParameter(
        "page", {"type": "integer", "minimum": 1, "maximum": 2000}, description="from 1, in place of `offset`"
    ),
]


def errors(*more: int, body: bool = False) -> dict[Any, OpenApiResponse]:
    """The errors an operation can answer: those of every operation, those of one with a body, and `more`."""
    statuses = sorted({*_ALWAYS, *(_WITH_BODY if body else ()), *more})
    return {status: OpenApiResponse(RelayError, description=_MEANING[status]) for status in statuses}


def envelope(name: str, data: Any) -> Any:
    """A serializer of `{"success": true, "data": …}`."""
    fields = {"success": serializers.BooleanField(default=True), "data": data, "__doc__": f"{name} in the envelope."}
    return type(name, (serializers.Serializer,), fields)


class Done(serializers.Serializer):
    """It was done."""

    success = serializers.BooleanField(default=True)
    message = serializers.CharField()
