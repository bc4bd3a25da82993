"""What a request passes before Django looks for its view."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]
_WITHOUT_SLASH = ("/api/",)


class OptionalSlash:
    """A trailing slash is optional on every path of an API: no redirect, which would lose a POST's body."""

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.endswith("/") and path.startswith(_WITHOUT_SLASH):
            request.path_info = path.rstrip("/")
        return self._next(request)
