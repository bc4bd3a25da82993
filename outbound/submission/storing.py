"""Taking a batch of messages in, as a list of statements: whoever runs them (Django's connection or a bare one) only executes.

Two round trips whatever their number: what must be known, then everything that is written. All of it belongs into one
transaction, and a message is accepted when that is committed.
"""

import json
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from common.errors import LettershopError
from outbound.partitions import first_of_month
from outbound.recording.steps import Step
from outbound.submission import statements
from outbound.submission.batches import Facts, Given
from outbound.submission.checks import Checked
from outbound.submission.faults import Maintenance, ProvidersDown, QueueFull, RecipientSuppressed, SenderRefused
from outbound.submission.ids import public_id
from outbound.submission.spending import Left, spending
from outbound.submission.statements import WAKE
from outbound.submission.types import Accepted, SubmissionState
from outbound.submission.writing import writing
from tenants.services.quotas import Quota, quotas_for
from tenants.services.settings import Settings, settings_of

Steps = Generator[Step, list[tuple[Any, ...]], list[Accepted | LettershopError]]

LONGEST_QUEUE = 1_000_000  # recipients that wait, of one tenant
_COUNT_AGAIN_SECONDS = 2.0


def storing(schema: str, tenant_id: int, given: Sequence[Given]) -> Steps:
    """For each submission, in order: what it became, or why it was not taken. The month's partitions must be there."""
    sql = statements.for_schema(schema)
    ((*row,),) = yield Step(sql.facts, _questions(tenant_id, given), rows=True)
    facts = Facts(*row)
    full = yield from _is_full(schema, facts.span)
    suppressed: Mapping[str, str] = json.loads(facts.suppressed or "{}")
    stored = _stored(facts.settings or "{}")
    closed = _closed(facts, stored.maintenance, full=full)
    refused = {n: error for n, one in enumerate(given) if (error := closed or _refusal(one.checked, facts, suppressed))}
    wanted = [(n, _quotas(tenant_id, one, facts, stored.settings)) for n, one in enumerate(given) if n not in refused]
    left, over = yield from spending(facts.now.astimezone(UTC).date(), wanted, stored.settings)
    refused |= over
    results = [
        refused.get(n) or _accepted(tenant_id, message_id, one.checked, facts.now, left.get(n))
        for n, (one, message_id) in enumerate(zip(given, facts.ids, strict=True))
    ]
    yield from writing(sql, given, results, facts)
    taken = [result for result in results if isinstance(result, Accepted)]
    if taken:
        if facts.listeners:
            month = first_of_month(facts.now.date())
            ids = [accepted.message_id for accepted in taken]
            yield Step(sql.news, {"now": facts.now, "month": month, "ids": ids})
        due = min(accepted.send_at or accepted.queued_at for accepted in taken)
        yield Step(WAKE, {"schema": schema, "due": due})
    return results


def _questions(tenant_id: int, given: Sequence[Given]) -> dict[str, Any]:
    keys = {to.key for one in given for to in one.checked.recipients}
    domains = {domain for one in given for domain in _domains_above(one.checked.sender_domain)}
    return {"tenant": tenant_id, "messages": len(given), "keys": list(keys), "domains": list(domains)}


def _domains_above(domain: str) -> list[str]:
    """The domain and those above it: mail of a sub-domain is the domain's too."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


# When a tenant's queue was last counted, and whether it was full: counting a long one takes a while.
_counted: dict[str, tuple[float, bool]] = {}


def _is_full(schema: str, span: int | None) -> Generator[Step, list[tuple[Any, ...]], bool]:
    if (span or 0) < LONGEST_QUEUE:
        return False
    at, full = _counted.get(schema, (0.0, False))
    if time.monotonic() - at > _COUNT_AGAIN_SECONDS:
        ((waiting,),) = yield Step(statements.for_schema(schema).waiting, {"cap": LONGEST_QUEUE}, rows=True)
        full = waiting >= LONGEST_QUEUE
        _counted[schema] = (time.monotonic(), full)
    return full


@dataclass(frozen=True, slots=True)
class _Stored:
    """What operators changed."""

    settings: Settings
    maintenance: Mapping[str, Any]


@lru_cache(maxsize=4)
def _stored(text: str) -> _Stored:
    rows = json.loads(text)
    return _Stored(settings_of(rows), rows.get("maintenance") or {})


def _refusal(checked: Checked, facts: Facts, suppressed: Mapping[str, str]) -> LettershopError | None:
    """Why this one is not taken, apart from quotas."""
    for number, to in enumerate(checked.recipients):
        reason = suppressed.get(to.key)
        if reason is not None:
            why = "the address is dead" if reason == "hard_bounce" else "its owner complained about mail"
            return RecipientSuppressed(
                f"Nothing is sent to {to.email}: {why}.",
                field=f"{to.kind}[{_place(checked, number)}]",
                hint="Take the address off the suppression list if that is no longer so.",
            )
    return _sender_refusal(checked, facts)


def _closed(facts: Facts, state: Mapping[str, Any], *, full: bool) -> LettershopError | None:
    """Why nothing at all is taken."""
    if state.get("enabled"):
        until = datetime.fromisoformat(state["until"]) if state.get("until") else None
        if until is None or until > datetime.now(UTC):
            return Maintenance(state.get("message") or "Sending is closed for maintenance.", until=until)
    if facts.providers == 0:
        return ProvidersDown("No provider account takes this tenant's mail.", hint="Add one, or switch one on.")
    if facts.providers_down >= facts.providers:
        return ProvidersDown("None of the provider accounts could be reached for five minutes.")
    if full:
        return QueueFull(
            f"{LONGEST_QUEUE:,} messages wait already.", hint="Send it again when some of them have gone out."
        )
    return None


def _place(checked: Checked, index: int) -> int:
    """Where a recipient stands among those of its kind."""
    kind = checked.recipients[index].kind
    return sum(1 for to in checked.recipients[:index] if to.kind == kind)


def _sender_refusal(checked: Checked, facts: Facts) -> LettershopError | None:
    if checked.sender is None:
        if facts.sender_address or facts.first_domain:
            return None
        return SenderRefused(
            "The tenant has no sender of its own.",
            field="from",
            hint="Give one, or add a sending domain to the tenant.",
        )
    known = set(facts.domains or ())
    if known.isdisjoint(_domains_above(checked.sender_domain)):
        return SenderRefused(
            f"This tenant may not send as {checked.sender_domain}.",
            field="from",
            hint="Add it to the tenant's sending domains first.",
        )
    return None


def _quotas(tenant_id: int, one: Given, facts: Facts, settings: Settings) -> list[Quota]:
    return quotas_for(
        tenant_id=tenant_id,
        plan_daily=facts.tenant_daily,
        settings=settings,
        key_id=one.submitter.key_id,
        key_daily=one.submitter.daily_limit,
        user=one.checked.submission.user,
    )


def _accepted(tenant_id: int, message_id: int, checked: Checked, now: datetime, left: Left | None) -> Accepted:
    send_at = checked.submission.send_at
    later = send_at if send_at is not None and send_at > now else None
    state = SubmissionState.SCHEDULED if later else SubmissionState.QUEUED
    quota = (left.limit, left.left) if left else (None, None)
    return Accepted(message_id, public_id(tenant_id, message_id), state, now, later, *quota)
