"""A view under the limits, and stores to count in, for the tests of the limits."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Semaphore
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.urls import path
from rest_framework.response import Response

from api.limits.windows import Window
from api.v2.views import V2View
from common.environment import ROOT
from common.errors import LettershopError

_CONNECTIONS = 40  # of the hundred that the database has


class Probe(V2View):
    """Answers as soon as the limits allow."""

    scopes = {"GET": "read"}

    def get(self, request: Any, **_: Any) -> Response:
        return Response({"inside": self.tenant.slug})


urlpatterns = [path("api/v2/probe", Probe.as_view()), path("api/v2/probe/<int:tenant_id>", Probe.as_view())]


def at_once(callers: int, work: Callable[[], Any]) -> list[Any]:
    """What `work` returned or which of our errors it raised, in threads that begin together."""
    together = Barrier(callers)
    room = Semaphore(_CONNECTIONS)

    def one(_: int) -> Any:
        together.wait()
        with room:
            try:
                return work()
            except LettershopError as error:
                return error
            finally:
                connection.close()

    with ThreadPoolExecutor(callers) as threads:
        return list(threads.map(one, range(callers)))


@contextmanager
def empty_windows() -> Iterator[redis.Redis]:
    """No call has been counted in Redis, before and after. No minute ends soon: windows of the database begin with the minute."""
    left = 60 - time.time() % 60
    if left < 3:
        time.sleep(left + 0.05)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        _forget(client)
        yield client
        _forget(client)


def default_of(name: str) -> int:
    """What a setting is in a process of its own when nobody has set it. Tests' own processes have no limits."""
    environ = {key: value for key, value in os.environ.items() if key != name}
    script = f"from config import settings; print(settings.{name})"
    path = os.pathsep.join((str(ROOT / "platform"), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ | {"PYTHONPATH": path}, check=True, capture_output=True, text=True
    )
    return int(done.stdout)


def pass_time(client: redis.Redis, window: Window, seconds: float) -> None:
    """Let every call in this window have happened `seconds` earlier."""
    key = f"limit:{window.seconds}:{window.name}"
    for member, at in client.zrange(key, 0, -1, withscores=True):
        client.zadd(key, {member: at - seconds * 1_000_000})


def _forget(client: redis.Redis) -> None:
    for key in client.scan_iter("limit:*"):
        client.unlink(key)
