"""Calls to a provider's API while somebody waits: ten seconds for all of a conversation, a few conversations at once.

Whatever is no answer of the provider (silence, a fault of its own, a redirect, something that is not JSON where JSON is due)
is a ProviderError. A refusal of the credentials is an answer, which the caller reads.
"""

import json
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from common.destinations import UrlRefused
from common.errors import LettershopError, Unavailable
from common.outgoing import Answer, AnswerRefused, Limits, NoAnswer, fetch

log = logging.getLogger(__name__)

SECONDS = 10.0
LARGEST = 4_000_000  # bytes of one answer
# Each holds a thread of this process for as long as the provider takes; the threads are needed for all else.
AT_ONCE = 2
_LONGEST_WORDS = 200
_PIECE = 16  # so many characters of a secret give it away


class ProviderError(LettershopError):
    """A provider's API could not be asked, or answered with what cannot be used."""

    code = "provider_error"
    temporary = True


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is neither a fault of the provider's nor a redirect."""

    status: int
    body: bytes = field(repr=False)

    def document(self) -> dict[str, Any] | None:
        """The JSON object that came; None where it was something else."""
        try:
            found = json.loads(self.body)
            # Half characters, which JSON can escape and no answer of ours could hold.
            json.dumps(found, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


class Conversation:
    """With one provider, called by the name people know it by."""

    def __init__(self, provider: str, *, seconds: float) -> None:
        self.provider = provider
        self._ends = time.monotonic() + seconds

    def ask(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        """One call. Raises ProviderError."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._silent("time is up")
        # The operator says where the provider is, which may be a gateway of their own; a caller has no say in it.
        limits = Limits(seconds=left, largest=LARGEST, allow_private=True)
        try:
            answer = fetch(method, url, headers=headers, body=body, limits=limits)
        except UrlRefused as error:
            log.error("a provider's API is set to an address that cannot be used", extra=self._noted(error.message))
            raise ProviderError(
                f"The address under which {self.provider} is asked here cannot be used. The operator has to correct it."
            ) from None
        except NoAnswer as error:
            raise self._silent(error.message) from None
        except AnswerRefused as error:
            raise self.unusable(error.message) from None
        self._check(answer)
        return Reply(answer.status, answer.body)

    def unusable(self, cause: str) -> ProviderError:
        """For an answer that is not what the provider's reference says."""
        log.warning("a provider's API answered with what cannot be used", extra=self._noted(cause))
        return ProviderError(
            f"{self.provider} answered with something that cannot be read. Try again later.",
            hint="If it stays so, the operator has to look where this installation asks: docs/operations.md.",
        )

    def _silent(self, cause: str) -> ProviderError:
        log.warning("a provider's API did not answer", extra=self._noted(cause))
        return ProviderError(f"{self.provider} could not be reached, or did not answer in time. Try again in a minute.")

    def _check(self, answer: Answer) -> None:
        if answer.status == 429 or answer.status >= 500:
            log.warning("a provider's API has a fault", extra=self._noted(str(answer.status)))
            raise ProviderError(f"{self.provider} answered {answer.status}. Try again in a minute.")
        if not 200 <= answer.status < 300 and not 400 <= answer.status < 500:
            raise self.unusable(f"status {answer.status}")

    def _noted(self, cause: str) -> dict[str, str]:
        return {"provider": self.provider, "cause": cause}


@contextmanager
def conversation(provider: str) -> Iterator[Conversation]:
    """Raises Unavailable while enough others of this process are under way."""
    if not _free.acquire(blocking=False):
        raise Unavailable("Other checks with providers are under way here. Try again in a few seconds.")
    try:
        yield Conversation(provider, seconds=SECONDS)
    finally:
        _free.release()


_free = threading.BoundedSemaphore(AT_ONCE)


def quoted(words: object, *, secrets: Iterable[str]) -> str:
    """What a provider said, on one line and short; "" for no text, and for one that gives something of a secret back."""
    if not isinstance(words, str):
        return ""
    line = " ".join("".join(char if char.isprintable() else " " for char in words[: 4 * _LONGEST_WORDS]).split())
    line = line[:_LONGEST_WORDS]
    return "" if any(_holds(line, secret) for secret in secrets) else line


def _holds(line: str, secret: str) -> bool:
    pieces = range(max(1, len(secret) - _PIECE + 1))
    return any(secret[at : at + _PIECE] in line for at in pieces)
