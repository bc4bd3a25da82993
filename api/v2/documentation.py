"""What the documentation of every operation shares."""

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class ErrorBody(serializers.Serializer):
    """What went wrong: a code for programs, a sentence for people, the field it is about, what to do next."""

    code = serializers.CharField(help_text="for programs: invalid_input, not_found, conflict, …")
    message = serializers.CharField(help_text="for people")
    field = serializers.CharField(allow_null=True, help_text="the field it is about; dots lead into lists and objects")
    hint = serializers.CharField(allow_null=True, help_text="what to do next")
    request_id = serializers.CharField(help_text="the same as in the header X-Request-ID and in the log")


class ErrorAnswer(serializers.Serializer):
    """The one shape of errors of API v2."""

    error = ErrorBody()


_MEANING = {
    400: "The body is not JSON.",
    401: "No key, or none that is accepted.",
    403: "The key may not do this, or belongs to another tenant.",
    404: "There is no such thing, or not for this tenant.",
    405: "This path does not know the method.",
    409: "The thing is in a state that does not allow this, or exists already.",
    413: "The body is too large.",
    415: "The body is none that this path takes; the message says what it takes.",
    422: "Something in the path, the query or the body cannot be used; `field` says what.",
    429: "Too many calls; Retry-After says when to try again.",
    503: "Something that is needed is away just now; try again.",
}
_ALWAYS = (401, 403, 404, 405, 422, 429, 503)
_WITH_BODY = (400, 413, 415)


def errors(*more: int, body: bool = False) -> dict[int, OpenApiResponse]:
    """The errors an operation can answer: those of every operation, those of one with a body, and `more`."""
    statuses = sorted({*_ALWAYS, *(_WITH_BODY if body else ()), *more})
    return {status: OpenApiResponse(ErrorAnswer, description=_MEANING[status]) for status in statuses}
