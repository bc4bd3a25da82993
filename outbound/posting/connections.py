"""The threads in which a sender talks to the database, each with a connection of its own."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import django.db
import psycopg

from common.database import connect
from common.database import connection as tenants_connection

Given = ParamSpec("Given")
Result = TypeVar("Result")

DATABASE_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, django.db.OperationalError, django.db.InterfaceError)
_APPLICATION = "lettershop sender"


class Desks:
    """A few threads. Work is begun in the order in which it is handed in, so whoever hands in one piece at a time gets
    his turn however much others have to do."""

    def __init__(self, threads: int = 4) -> None:
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="sender-db")
        self._own = threading.local()

    async def run(self, work: "Callable[Given, Result]", /, *args: "Given.args", **kwargs: "Given.kwargs") -> Result:
        """Do `work` in one of the threads. A connection that turned out to be lost is made anew by the next work."""
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: self._guarded(work, *args, **kwargs)
        )

    def connection(self) -> psycopg.Connection[Any]:
        """The calling thread's connection, without a search path. Raises psycopg.OperationalError."""
        held: psycopg.Connection[Any] | None = getattr(self._own, "held", None)
        if held is None or held.closed or held.broken:
            held = self._own.held = connect(application=_APPLICATION)
        return held

    def close(self) -> None:
        """Waits for what is being done, then closes every thread's connections."""
        together = threading.Barrier(self._threads)
        for _ in range(self._threads):
            self._executor.submit(self._leave, together)
        self._executor.shutdown()

    def _guarded(self, work: "Callable[Given, Result]", /, *args: "Given.args", **kwargs: "Given.kwargs") -> Result:
        try:
            return work(*args, **kwargs)
        except DATABASE_AWAY:
            self._drop()
            tenants_connection.close()
            raise

    def _drop(self) -> None:
        held: psycopg.Connection[Any] | None = getattr(self._own, "held", None)
        if held is not None:
            held.close()
            self._own.held = None

    def _leave(self, together: threading.Barrier) -> None:
        together.wait()
        self._drop()
        tenants_connection.close()
