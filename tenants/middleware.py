"""The door of every request: which request is it, and whose."""

import logging
import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.urls import set_urlconf

from common.database import connection, is_away
from tenants.scope import hosts

log = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponse]
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SANE_ID = re.compile(r"^[A-Za-z0-9._:-]{1,128}\Z")


class RequestIdMiddleware:
    """Gives every response an X-Request-ID: the caller's when it is sane, else a new one."""

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _SANE_ID.match(given) else uuid.uuid4().hex
        request.META["REQUEST_ID"] = request_id
        response = self._next(request)
        response["X-Request-ID"] = request_id
        return response


class TenantMiddleware:
    """Enters the tenant of the request's host, or the public schema on the public host; else 404.

    The search path is set at the start of each request and put back to public at its end, so that a
    connection that is kept for the next request carries nobody along.
    """

    def __init__(self, get_response: Handler) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        connection.set_schema_to_public()
        host = (
            request.get_host().rsplit(":", 1)[0].lower() if not request.get_host().endswith("]") else request.get_host()
        )
        try:
            tenant = hosts.find(host)
        except (OperationalError, InterfaceError) as error:
            if not is_away(error):
                raise
            log.warning("a host cannot be looked up: the database is away", extra={"cause": str(error)})
            sentence = "The database cannot be reached just now. Try again in a moment.\n"
            return HttpResponse(sentence, status=503, content_type="text/plain", headers={"Retry-After": "5"})
        if tenant is not None and tenant.schema_name != "public":
            connection.set_tenant(tenant)
            request.tenant = tenant  # type: ignore[attr-defined]
            request.urlconf = settings.ROOT_URLCONF
        elif tenant is not None or is_public_host(host):
            request.urlconf = settings.PUBLIC_SCHEMA_URLCONF
        else:
            return HttpResponseNotFound(
                f"No desk answers to {host!r}. Operators: add the host to its tenant.\n".encode(),
                content_type="text/plain",
            )
        set_urlconf(request.urlconf)
        try:
            return self._next(request)
        finally:
            set_urlconf(None)
            connection.set_schema_to_public()


def is_public_host(host: str) -> bool:
    """By whichever name: where nobody has set a public host, it is this machine."""
    return host == settings.PUBLIC_HOST or (settings.PUBLIC_HOST in _THIS_MACHINE and host in _THIS_MACHINE)
