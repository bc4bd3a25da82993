"""Trying an account out, for people who set it up."""

import ssl
import time
from dataclasses import dataclass

from outbound.smtp.capabilities import Capabilities
from outbound.smtp.handshake import Handshake, Step
from outbound.smtp.tls import make_context
from outbound.smtp.types import SmtpAccount, SmtpDown


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """One step that was tried. `detail` is what the server said, or what went wrong and what to do."""

    name: str  # connect, tls, greeting, ehlo, starttls, auth, quit
    ok: bool
    detail: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """All steps up to the first that failed."""

    steps: tuple[ProbeStep, ...]
    capabilities: Capabilities | None
    error: SmtpDown | None

    @property
    def ok(self) -> bool:
        return self.error is None


async def probe(account: SmtpAccount) -> ProbeReport:
    """Connects, encrypts, logs in and leaves, without sending anything. Failures are in the report."""
    try:
        context = make_context(account)
    except SmtpDown as error:
        return ProbeReport((), None, error)
    return await _walk(account, context)


async def _walk(account: SmtpAccount, context: ssl.SSLContext | None) -> ProbeReport:
    handshake = Handshake(account, context)
    done: list[ProbeStep] = []
    error: SmtpDown | None = None
    try:
        for name, step in [*handshake.steps(), ("quit", handshake.quit)]:
            result, error = await _try(name, step)
            done.append(result)
            if error:
                break
    finally:
        handshake.abort()
    greeted = any(step.name == "ehlo" and step.ok for step in done)
    return ProbeReport(tuple(done), handshake.capabilities if greeted else None, error)


async def _try(name: str, step: Step) -> tuple[ProbeStep, SmtpDown | None]:
    began = time.perf_counter()
    error: SmtpDown | None = None
    try:
        detail = await step()
    except SmtpDown as down:
        error, detail = down, str(down)
    return ProbeStep(name, error is None, detail, (time.perf_counter() - began) * 1000), error
