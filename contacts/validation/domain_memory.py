"""Answers of the DNS, remembered: in this process, and in Redis for the others. Both may lose everything."""

import logging
import time
from collections.abc import Collection
from functools import lru_cache
from threading import Lock

import redis
from django.conf import settings

from contacts.validation.mail_domains import DomainAnswer, MailDomain, ask_dns

log = logging.getLogger(__name__)

SHORTEST_SECONDS = 5 * 60
LONGEST_SECONDS = 24 * 60 * 60
_MOST_IN_PROCESS = 50_000
_AT_ONCE = 1_000  # keys in one command: others must not wait for it
_PREFIX = "mail-domain:"


def look_up_domains(domains: Collection[str]) -> dict[str, MailDomain]:
    """What is known about each domain (ASCII, lower case); the DNS is asked about those that nobody remembers.

    An UNANSWERED one is not remembered: it is asked for again next time. Raises Unavailable when no DNS server is known.
    """
    known = _memory.recall(domains)
    known |= _recall_shared([domain for domain in domains if domain not in known])
    answers = ask_dns([domain for domain in set(domains) if domain not in known])
    _keep_shared([answer for answer in answers if answer.mail is not MailDomain.UNANSWERED])
    return known | {answer.domain: answer.mail for answer in answers}


def forget_domains() -> None:
    """In this process; Redis forgets by itself."""
    _memory.forget()


class _Memory:
    """Bounded: when it is full it begins anew, which Redis makes cheap."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, MailDomain]] = {}
        self._lock = Lock()

    def recall(self, domains: Collection[str]) -> dict[str, MailDomain]:
        now = time.monotonic()
        held = {domain: self._known.get(domain) for domain in domains}
        return {domain: entry[1] for domain, entry in held.items() if entry and entry[0] > now}

    def keep(self, domain: str, mail: MailDomain, seconds: float) -> None:
        with self._lock:
            if len(self._known) >= _MOST_IN_PROCESS:
                self._known.clear()
            self._known[domain] = (time.monotonic() + seconds, mail)

    def forget(self) -> None:
        with self._lock:
            self._known.clear()


_memory = _Memory()


def _recall_shared(domains: list[str]) -> dict[str, MailDomain]:
    found: dict[str, MailDomain] = {}
    try:
        for first in range(0, len(domains), _AT_ONCE):
            some = domains[first : first + _AT_ONCE]
            values = _redis(settings.REDIS_URL).mget([_PREFIX + domain for domain in some])
            found |= {domain: MailDomain(str(value)) for domain, value in zip(some, values, strict=True) if value}
    except redis.RedisError as error:
        log.warning("Redis is away: the DNS is asked instead", extra={"cause": str(error)})
    for domain, mail in found.items():
        # How old it is there is not known: it is believed here for the shortest time.
        _memory.keep(domain, mail, SHORTEST_SECONDS)
    return found


def _keep_shared(answers: list[DomainAnswer]) -> None:
    try:
        for first in range(0, len(answers), _AT_ONCE):
            with _redis(settings.REDIS_URL).pipeline(transaction=False) as commands:
                for answer in answers[first : first + _AT_ONCE]:
                    commands.set(_PREFIX + answer.domain, answer.mail.value, ex=_bounded(answer.seconds))
                commands.execute()
    except redis.RedisError as error:
        log.warning("Redis is away: what the DNS said is remembered here only", extra={"cause": str(error)})
    for answer in answers:
        _memory.keep(answer.domain, answer.mail, _bounded(answer.seconds))


def _bounded(seconds: int) -> int:
    return min(max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS)


@lru_cache(maxsize=2)
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=0.5, decode_responses=True)
