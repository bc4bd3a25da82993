"""Syncing a source: page by page, each in a transaction with how far the run then is.

Whoever takes a run up again, after a crash or a redelivered task, goes on behind the last page that was written;
nothing is counted or written twice.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from common.errors import Conflict, LettershopError
from common.secrets import unseal
from contacts.models import DataSource, SourceRun
from contacts.sources.config import read_config
from contacts.sources.downloading import sync_file
from contacts.sources.faults import SourceFault
from contacts.sources.locking import only_here
from contacts.sources.pages import PageSync
from tenants.scope import current_tenant

logger = logging.getLogger(__name__)

_LIVING = (SourceRun.State.WAITING, SourceRun.State.RUNNING)
_LONGEST_WAIT = 3600.0  # seconds; a source that asks for more is given up


@dataclass(frozen=True, slots=True)
class Patience:
    """What is done about a source that does not answer: waits in seconds, each twice the one before, `attempts` times in
    a row. Waits longer than `awake` are spent away from the worker."""

    first_wait: float = 2.0
    awake: float = 5.0
    attempts: int = 7
    sleep: Callable[[float], None] = field(default=time.sleep)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn ended with. `wait`: seconds until the next one, None when the run is over."""

    state: str
    wait: float | None = None


def run_sync(run_id: int, *, seconds: float = 60.0, patience: Patience | None = None) -> Turn:
    """Take part in a sync for up to `seconds` (a page more, at most). What becomes of it stands in its row.

    Raises Conflict while somebody else is at it, NoTenant, and DatabaseError, which leaves it to be taken up again.
    """
    tenant = current_tenant()
    found = SourceRun.objects.filter(pk=run_id).first()
    if found is None:
        return Turn("gone")
    with only_here(tenant.schema_name, found.source_id):
        run = SourceRun.objects.select_related("source").filter(pk=run_id, state__in=_LIVING).first()
        if run is None:
            return Turn(found.state)
        try:
            return _take_part(run, seconds, patience or Patience())
        except (Conflict, DatabaseError):
            raise
        except LettershopError as refusal:
            return _fail(run, refusal)
        except Exception:
            _fail(run, SourceFault("Something went wrong here; it has been noted."))
            raise


def _take_part(run: SourceRun, seconds: float, patience: Patience) -> Turn:
    until = time.monotonic() + seconds
    if not run.source.is_active:
        raise SourceFault("The source was switched off.")
    if run.wait_until and (left := (run.wait_until - timezone.now()).total_seconds()) > 0:
        return Turn(SourceRun.State.RUNNING, left)
    _begin(run)
    config = read_config(run.source.type, run.config)
    secret = unseal(run.source.sealed_secret, settings.SECRET_KEY)
    pages = PageSync(run, config, secret)
    while True:
        try:
            over = sync_file(run, config, secret) if run.source.type == DataSource.Type.CSV else pages.sync_next()
        except LettershopError as trouble:
            if not trouble.temporary:
                raise
            wait = _wait_after(run, trouble, patience)
            if wait > patience.awake:
                SourceRun.objects.filter(pk=run.pk).update(wait_until=timezone.now() + timedelta(seconds=wait))
                return Turn(SourceRun.State.RUNNING, wait)
            patience.sleep(wait)
            continue
        if over:
            return Turn(SourceRun.State.FINISHED)
        if time.monotonic() >= until:
            return Turn(SourceRun.State.RUNNING, 0.0)
        patience.sleep(config.pause_ms / 1000)


def _begin(run: SourceRun) -> None:
    if run.state == SourceRun.State.WAITING:
        run.state, run.started_at = SourceRun.State.RUNNING, timezone.now()
        run.save(update_fields=["state", "started_at"])


def _wait_after(run: SourceRun, trouble: LettershopError, patience: Patience) -> float:
    """How long to wait before the next attempt. Raises SourceGivenUp when there were enough of them."""
    run.attempts += 1
    run.error = trouble.message
    run.save(update_fields=["attempts", "error"])
    asked: float | None = getattr(trouble, "wait", None)
    if run.attempts >= patience.attempts or (asked or 0) > _LONGEST_WAIT:
        raise SourceGivenUp(f"{trouble.message} Given up after {run.attempts} attempts.")
    usual: float = patience.first_wait * 2 ** (run.attempts - 1)
    return usual if asked is None else max(asked, patience.first_wait)


class SourceGivenUp(SourceFault):
    """The source was away for too long. The next sync goes on from here."""

    code = "source_given_up"


def _fail(run: SourceRun, refusal: LettershopError) -> Turn:
    """Where asking again would not help, the next sync begins anew: its cursor may be what is wrong."""
    position = run.position if isinstance(refusal, SourceGivenUp) else {}
    ended = SourceRun.objects.filter(pk=run.pk, state__in=_LIVING).update(
        state=SourceRun.State.FAILED, error=str(refusal), position=position, finished_at=timezone.now()
    )
    if ended:
        DataSource.objects.filter(pk=run.source_id).update(last_error=str(refusal))
        logger.warning("A sync of source %s failed: %s", run.source_id, refusal.code)
    return Turn(SourceRun.State.FAILED)
