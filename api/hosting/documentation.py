"""What the documentation of every operation of the hosting service shares."""

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class HostingErrorBody(serializers.Serializer):
    """A code for programs, a sentence for people, the field it is about, and what else helps."""

    code = serializers.CharField(help_text="VALIDATION_ERROR, NOT_FOUND, …")
    message = serializers.CharField()
    field = serializers.CharField(required=False)
    details = serializers.DictField(required=False, help_text="hint, retryAfter (seconds)")


class HostingErrorAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    error = HostingErrorBody()
    requestId = serializers.CharField(help_text="the same as in the header X-Request-ID and in the log")


_MEANING = {
    400: "Something in the query or the body cannot be used; `field` says what.",
    401: "No key, or none that is accepted.",
    403: "The key may not do this, or the sender or a recipient is refused.",
    404: "There is no such e-mail, or not for this tenant.",
    405: "This path does not know the method.",
    409: "The e-mail is in a state that does not allow this.",
    413: "The body, or an attachment, is too large.",
    415: "The body must be JSON.",
    429: "Too many calls, or the day's quota is used up; Retry-After says when to try again.",
    503: "Something that is needed is away just now; try again.",
}
_ALWAYS = (400, 401, 403, 404, 405, 429, 503)


def errors(*more: int) -> dict[int, OpenApiResponse]:
    """The errors an operation can answer: those of every one, and `more`."""
    return {
        status: OpenApiResponse(HostingErrorAnswer, description=_MEANING[status])
        for status in sorted({*_ALWAYS, *more})
    }
