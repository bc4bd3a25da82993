"""A worker's part: take part in sending one message for a while."""

import gc
import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import uvloop
from django.conf import settings

from common.database import connection
from common.secrets import unseal
from outbound import signals
from outbound.compiler import CompiledMessage
from outbound.engine.cancelling import cancel_rest
from outbound.engine.pump import ChunkPump
from outbound.engine.runner import End, Ended, Runner
from outbound.engine.store import Store
from outbound.engine.types import Job
from outbound.models import Message, ProviderAccount
from outbound.rates import SharedRate, rate_client
from outbound.recording import settle_message
from outbound.services.control import TASK, pause_message
from outbound.smtp.types import SmtpAccount, TlsMode
from outbound.stamping import compile_for
from outbound.states import MessageState
from tenants.scope import current_tenant
from tenants.services.due import done_with, postpone

log = logging.getLogger(__name__)

LEASE_SECONDS = 20.0
_FLUSH_ROWS = 500
_LOOK_AGAIN = {End.PROVIDER_DOWN: timedelta(seconds=15), End.NO_JOURNAL: timedelta(seconds=15)}


@dataclass(frozen=True, slots=True)
class Work:
    """What one turn did: `again` tells that there is more to do right now."""

    message_id: int
    state: str
    handed_over: int = 0
    again: bool = False
    why: str = ""


def work_on(message_id: int, *, stop: Callable[[], bool], slice_seconds: float) -> Work:
    """Send for up to `slice_seconds`, or until `stop()`; then say what is left. Safe to call from any number of workers."""
    message = Message.objects.select_related("provider").filter(pk=message_id).first()
    if message is None:
        done_with(task=TASK, reference=message_id)
        return Work(message_id, MessageState.CANCELLED)
    if message.state == MessageState.CANCELLED:
        return _cancel(message)
    # Without a provider it is a single message: those have senders of their own (outbound.posting).
    if message.state != MessageState.SENDING or message.provider is None:
        done_with(task=TASK, reference=message_id)
        return Work(message_id, message.state)
    store, compiled = _store(message)
    ended = _run(message, message.provider, store, compiled, stop, slice_seconds)
    return _after(message, message.provider, store, ended)


def work_inline(message_id: int, *, slice_seconds: float = 5.0) -> Work:
    """Take part without a worker process: what `send_campaign --wait` does when nobody else sends."""
    return work_on(message_id, stop=lambda: False, slice_seconds=slice_seconds)


def smtp_account(provider: ProviderAccount) -> SmtpAccount:
    """The provider account as the SMTP client wants it. Raises Refused when its password cannot be decrypted."""
    return SmtpAccount(
        host=provider.host,
        port=provider.port,
        tls=cast("TlsMode", provider.tls),
        username=provider.username,
        password=unseal(provider.sealed_password, settings.SECRET_KEY),
        connections=provider.connections,
        verify=provider.verify_tls,
        helo_name=settings.HELO_NAME,
    )


def _run(
    message: Message,
    provider: ProviderAccount,
    store: Store,
    compiled: CompiledMessage,
    stop: Callable[[], bool],
    slice_seconds: float,
) -> Ended:
    rate = None
    if provider.rate:
        rate = SharedRate(
            rate_client(settings.REDIS_URL),
            key=f"{current_tenant().schema_name}:{provider.pk}",
            per_second=provider.rate,
            workers=settings.ENGINE_RUNNERS,
        )

    async def send() -> Ended:
        runner: Runner | None = None
        pump = ChunkPump(
            compiled,
            lease_seconds=LEASE_SECONDS,
            started=message.started_at or datetime.now(UTC),
            flush_rows=_FLUSH_ROWS,
            flush_now=lambda: runner.attend() if runner else None,
        )
        runner = Runner(store=store, pump=pump, account=smtp_account(provider), rate=rate, lease_seconds=LEASE_SECONDS)
        return await runner.run(stop=stop, slice_seconds=slice_seconds)

    with _rare_collections():
        return uvloop.run(send())


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Nothing on the hot path makes cycles, and a chunk's rows alone would set the collector off again and again."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _store(message: Message) -> tuple[Store, CompiledMessage]:
    tenant = current_tenant()
    compiled = compile_for(message)
    job = Job(tenant.schema_name, tenant.pk, message.pk, message.month, tenant.in_doubt_policy == "resend")
    owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
    store = Store(
        job,
        owner=owner,
        fields=compiled.fields,
        marketing=message.is_marketing,
        journal_dir=settings.ENGINE_JOURNAL_DIR,
        lease_seconds=LEASE_SECONDS,
    )
    return store, compiled


def _after(message: Message, provider: ProviderAccount, store: Store, ended: Ended) -> Work:
    try:
        _note_provider(provider, ended)
        if ended.end == End.REFUSED:
            _pause(message, ended.why)
        elif store.finish():
            # What bounced or was opened while its row was not written yet counts now.
            with connection.cursor() as cursor:
                settle_message(cursor, schema=connection.schema_name, message_id=message.pk)
            done_with(task=TASK, reference=message.pk)
            signals.message_event.send(sender=Message, kind="finished", message_id=message.pk)
        elif ended.end == End.NOTHING_LEFT or ended.end in _LOOK_AGAIN:
            _look_again(message, store, ended)
        message.refresh_from_db()
        again = message.state == MessageState.SENDING and ended.end in (End.SLICE_OVER, End.STOPPED)
        return Work(message.pk, message.state, ended.handed_over, again, ended.why)
    finally:
        store.close()


def _pause(message: Message, why: str) -> None:
    Message.objects.filter(pk=message.pk, state=MessageState.SENDING).update(error=why)
    message.refresh_from_db()
    if message.state == MessageState.SENDING:
        pause_message(message, why=why)
        signals.message_event.send(sender=Message, kind="paused", message_id=message.pk)
    done_with(task=TASK, reference=message.pk)


def _look_again(message: Message, store: Store, ended: Ended) -> None:
    """Deferred recipients, a provider that is down, a lease of somebody who died: each has its time."""
    soonest = datetime.now(UTC) + _LOOK_AGAIN.get(ended.end, timedelta(seconds=0.5))
    due = store.next_due() or soonest
    postpone(task=TASK, reference=message.pk, due_at=max(due, soonest))
    if ended.why:
        Message.objects.filter(pk=message.pk).update(error=ended.why)
    elif ended.handed_over:
        Message.objects.filter(pk=message.pk).exclude(error="").update(error="")


def _note_provider(provider: ProviderAccount, ended: Ended) -> None:
    if ended.end == End.PROVIDER_DOWN:
        ProviderAccount.objects.filter(pk=provider.pk).update(last_error=ended.why, last_error_at=datetime.now(UTC))
    elif ended.handed_over and provider.last_error:
        ProviderAccount.objects.filter(pk=provider.pk).update(last_error="")


def _cancel(message: Message) -> Work:
    store, _ = _store(message)
    try:
        if cancel_rest(store):
            done_with(task=TASK, reference=message.pk)
            signals.message_event.send(sender=Message, kind="cancelled", message_id=message.pk)
        return Work(message.pk, message.state)
    finally:
        store.close()
