"""Who may read figures of the whole installation: this machine itself, and whoever has METRICS_TOKEN."""

from ipaddress import ip_address
from secrets import compare_digest

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from common import environment

_PROXIED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")


def is_trusted(request: HttpRequest) -> bool:
    """By `Authorization: Bearer <METRICS_TOKEN>`, or from a loopback address and through no proxy."""
    token: str = getattr(settings, "METRICS_TOKEN", environment.text("METRICS_TOKEN"))
    given = request.headers.get("Authorization", "")
    if token and compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    # A proxy on this machine calls from loopback too, for everybody.
    return not any(name in request.headers for name in _PROXIED) and _is_loopback(request.META.get("REMOTE_ADDR", ""))


def refusal() -> HttpResponse:
    """What others are told."""
    return HttpResponse(
        "These figures are for this machine, or for whoever has METRICS_TOKEN.\n",
        status=403,
        content_type="text/plain; charset=utf-8",
    )


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
