"""The web server's entry: the bare doors (tracking, sends, figures that go on), and Django beside them in threads."""

import gc
import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

# First: it sets Django up, which the doors' models need.
from config.wsgi import application as django_application

# isort: split
from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.urls import get_resolver

from api.intake import Committer, IntakeDoors
from api.public import PublicDoors, UrlSigner
from api.relay.realtime import RealtimeDoor
from api.slow_clients import SlowClients
from common.database import conninfo
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


def _in_threads(number: int) -> SlowClients:
    # So many pieces of an answer wait without a thread: the largest static file has fewer.
    app = WSGIMiddleware(cast("Any", django_application), workers=number, send_queue_size=512)
    return SlowClients(cast("Any", app), large=max(1, number // 2))


doors = public_doors()
django = _in_threads(_THREADS)
# Threads of their own: whoever asks how things are is answered when all others are busy.
watchers = _in_threads(2)
realtime = RealtimeDoor(django, conninfo())
intake = IntakeDoors(Committer(conninfo()), django, behind_proxy=settings.BEHIND_PROXY)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Opens, clicks, unsubscribes and plain sends never touch Django's request stack; everything else is Django's."""
    if scope["type"] == "lifespan":
        _settle()
        await doors(scope, _ending(receive), send)
    elif scope["path"] == "/healthz":
        await _healthy(send)
    elif doors.matches(scope["path"]):
        await doors(scope, receive, send)
    elif intake.matches(scope):
        await intake(scope, receive, send)
    elif realtime.matches(scope):
        await realtime(scope, receive, send)
    elif scope["path"].startswith(("/health", "/metrics")):
        await watchers(scope, receive, send)
    else:
        await django(scope, receive, send)


def _settle() -> None:
    """Load what the first requests would load, and tell the garbage collector that it stays.

    Else the first caller waits for seconds, and each look through all of Django stops every request for some 50 ms.
    """
    for name in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF):
        len(get_resolver(name).url_patterns)
    gc.collect()
    gc.freeze()


def _ending(receive: Receive) -> Receive:
    """The other doors end before the tracking doors say that all is done."""

    async def received() -> Any:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            realtime.end()
            await intake.stop()
        return message

    return received


async def _healthy(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"ok\n"})
