"""The story of the demo, told in a thread while the supervisor keeps its parts running."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable

from django.db import connections

from common.errors import LettershopError
from embedded.demo.story import Stage, tell_story
from embedded.demo.surroundings import Ports
from embedded.demo.telling import Teller

_PAUSE = 0.1  # seconds

logger = logging.getLogger(__name__)


class Play(threading.Thread):
    """Plays once. Afterwards `finished` says whether it came to its end, `failure` why it did not.

    When it fails, or is to be played `once`, it ends the process's main work by SIGTERM.
    """

    def __init__(self, ports: Ports, teller: Teller, *, is_over: Callable[[], bool], once: bool) -> None:
        super().__init__(name="demo", daemon=True)
        self.finished = False
        self.failure = ""
        self._stage = Stage(ports, teller, is_over)
        self._is_over = is_over
        self._once = once

    def run(self) -> None:
        try:
            tell_story(self._stage, stays=not self._once)
            self.finished = True
        except LettershopError as error:
            self._note(str(error))
        except Exception as error:
            # Whatever it was: nothing may be left running without a word.
            logger.exception("the demo failed")
            self._note(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()
        self._end()

    def _end(self) -> None:
        # Not twice: a second signal would not wait for the parts to drain.
        if not self._is_over() and (self.failure or self._once):
            os.kill(os.getpid(), signal.SIGTERM)
            return
        while not self._is_over():
            time.sleep(_PAUSE)
        self._stage.teller.say("", "Stopping: mails in flight are finished first.")

    def _note(self, why: str) -> None:
        """What breaks because everything is being stopped is no failure."""
        if not self._is_over():
            self.failure = why
