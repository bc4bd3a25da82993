"""What the document says of every operation beside what stands at its view: headers, and that a POST may be repeated."""

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

_DONE = {
    "200": "Done as asked.",
    "201": "Made.",
    "202": "Taken in; it is done in the background.",
    "204": "Done; there is nothing to show.",
    "503": "Not just now.",
}
_REPEATED = "This Idempotency-Key was used with another body, or its first call is not done yet."
_ONCE = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="Of your choice, another for each call: with it the call has one effect, however often it is sent.",
)
_LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


class Operation(AutoSchema):
    """Adds what `ApiView` does for every view."""

    def get_override_parameters(self) -> list[Any]:
        return [*super().get_override_parameters(), *([_ONCE] if self._answers_once() else [])]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        answers: dict[str, Any] = super()._get_response_bodies(direction)
        if self._answers_once() and "409" not in answers:
            # Each dialect has one shape of errors, and whoever repeats a call has a key.
            answers["409"] = {**answers["401"], "description": _REPEATED}
        for status, answer in answers.items():
            answer["description"] = answer.get("description") or _DONE.get(status, "")
            named = {name: {"$ref": f"#/components/headers/{name}"} for name in self._headers(status)}
            answer["headers"] = {**answer.get("headers", {}), **named}
        return dict(sorted(answers.items()))

    def _headers(self, status: str) -> list[str]:
        """Names of `components.headers`."""
        names = ["X-Request-ID"]
        if status in ("429", "503") or (status == "409" and self._answers_once() and self.view.outside):
            names += ["Retry-After"]
        if status == "429" or (status[0] == "2" and self.view.scopes):
            names += _LIMITS
        if status[0] == "2" and self._answers_once():
            names += ["Idempotency-Replayed"]
        return names

    def _answers_once(self) -> bool:
        return self.method == "POST" and bool(self.view.idempotent)
