"""A view of API v2."""

from typing import Any

from api.v2.errors import answer_error
from api.views import ApiView


class V2View(ApiView):
    """Errors are said in the shape of API v2."""

    def get_exception_handler(self) -> Any:
        return answer_error
