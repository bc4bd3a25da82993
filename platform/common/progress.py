"""Progress on a terminal: one line that is drawn again, silent where nobody looks."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

_WIDTH = 28
_REDRAW_SECONDS = 0.1


class Terminal(Protocol):
    """What is needed of a stream: Django's wrapped ones will do."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...
    def isatty(self) -> bool: ...


class Progress:
    """A bar for work of a known or unknown size.

    >>> with Progress("Importing", total=1000) as bar:
    ...     bar.update(250)

    Nothing is written unless the stream is a terminal, or `always` asks for a plain line at the end.
    """

    def __init__(
        self,
        label: str,
        *,
        total: int = 0,
        unit: str = "",
        stream: Terminal | None = None,
        always: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done = 0
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._always = always
        self._clock = clock
        self._started = clock()
        self._drawn = 0.0

    def __enter__(self) -> "Progress":
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def update(self, done: int, total: int | None = None) -> None:
        """Say how much is done now (not how much was added)."""
        self.done = done
        if total is not None:
            self.total = total
        if self._clock() - self._drawn >= _REDRAW_SECONDS:
            self._draw()

    def finish(self) -> None:
        if self._live:
            self._stream.write("\r\x1b[K" + self._line() + "\n")
        elif self._always:
            self._stream.write(self._line() + "\n")
        self._stream.flush()

    def _draw(self) -> None:
        if self._live:
            self._drawn = self._clock()
            self._stream.write("\r\x1b[K" + self._line())
            self._stream.flush()

    def _line(self) -> str:
        seconds = self._clock() - self._started
        amount = (
            f"{self.done:,}" + (f" of {self.total:,}" if self.total else "") + (f" {self.unit}" if self.unit else "")
        )
        if not self.total:
            counted = f"{amount}  " if self.done else ""
            return f"{self.label:<24} {counted}{seconds:.1f} s"
        share = min(1.0, self.done / self.total)
        filled = round(share * _WIDTH)
        return f"{self.label:<24} [{'█' * filled}{'·' * (_WIDTH - filled)}] {share:4.0%}  {amount}  {seconds:.1f} s"
