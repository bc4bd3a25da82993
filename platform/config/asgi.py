"""The web server's entry: the bare tracking doors, and Django beside them in threads."""

import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from django.conf import settings

from api.public import PublicDoors, UrlSigner
from common.database import conninfo
from config.wsgi import application as django_application
from outbound.stamping import key_ring

# As in the ASGI specification, where a scope's keys depend on its type.
Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_THREADS = int(os.environ.get("WEB_THREADS", "8"))


def public_doors() -> PublicDoors:
    """The doors over this installation's database and keys."""
    return PublicDoors(
        conninfo(), key_ring(), signer=UrlSigner([settings.SECRET_KEY]), behind_proxy=settings.BEHIND_PROXY
    )


doors = public_doors()
django = WSGIMiddleware(cast("Any", django_application), workers=_THREADS)
# Threads of their own: whoever asks how things are is answered when all others are busy.
watchers = WSGIMiddleware(cast("Any", django_application), workers=2)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Opens, clicks and unsubscribes never touch Django's request stack; everything else is Django's."""
    if scope["type"] == "http" and scope["path"] == "/healthz":
        await _healthy(send)
    elif scope["type"] == "lifespan" or doors.matches(scope["path"]):
        await doors(scope, receive, send)
    elif scope["path"].startswith(("/health", "/metrics")):
        await watchers(scope, receive, send)
    else:
        await django(scope, receive, send)


async def _healthy(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"ok\n"})
