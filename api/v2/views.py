"""A view of API v2."""

from typing import Any, ClassVar

from rest_framework.exceptions import UnsupportedMediaType

from api.v2.errors import answer_error
from api.views import ApiView
from common.errors import NotFound


class V2View(ApiView):
    """Errors are said in the shape of API v2: a 404 names the part of the path that leads nowhere, a 415 what is wanted.

    `wanted`: what the body must be, to go after “Send”.
    """

    wanted: ClassVar[str] = "JSON, with the header Content-Type: application/json"

    def get_exception_handler(self) -> Any:
        return answer_error

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, NotFound) and exc.field is None:
            exc.field = next((name for name in self.kwargs if name != "tenant_id"), None)
        if isinstance(exc, UnsupportedMediaType):
            exc = UnsupportedMediaType("", detail=f"This path does not take such a body. Send {self.wanted}.")
        return super().handle_exception(exc)
