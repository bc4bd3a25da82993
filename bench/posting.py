"""Single messages: how long an urgent one takes while 100,000 others of its tenant wait, and what each costs.

    .venv/bin/python bench/posting.py [--waiting 100000] [--urgent 200] [--delay-ms 0]

One tenant has messages of priority 5 waiting; then a message of priority 1 every 50 ms, in turn through that tenant and
through another one, is submitted as the doors do it. Told is the time from its acceptance until the sender has written
down that the provider took it (up to 0.2 s after it did), messages a second, and the sender's CPU for each. Goal: below
1 s for 95 of 100. The name is not queue.py, which would stand in the way of Python's own module.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
from bench import mails  # noqa: E402
from bench.stage import ROOT, Sink, Stage, cpu_seconds, table  # noqa: E402

GOAL_SECONDS = 1.0
_FILL = """
WITH m AS (
    INSERT INTO outbound_message (origin, name, state, month, content, stamp, links, is_marketing, total, error, created_at, started_at)
    SELECT 'single:relay', '', 'sending', date_trunc('month', now())::date, '{}', '{}', '[]', false, 1, '', now(), now()
    FROM generate_series(1, %(count)s) RETURNING id, month
), s AS (
    INSERT INTO outbound_submission (month, message_id, door, state, from_address, from_name, recipients, addresses, subject, html,
        priority, size, created_at)
    SELECT month, id, 'relay', 'queued', 'shop@acme.example', 'Shop',
        jsonb_build_array(jsonb_build_object('kind', 'to', 'email', 'bulk' || id || '@example.com', 'name', '')),
        ARRAY['bulk' || id || '@example.com'], 'Your statement', %(html)s, 5, length(%(html)s), now() FROM m
)
INSERT INTO outbound_queue (month, message_id, position, email, priority, due_at, since)
SELECT month, id, 0, 'bulk' || id || '@example.com', 5, now(), now() FROM m
"""
_TIMES = """
SELECT extract(epoch FROM r.at - s.created_at) FROM outbound_submission s
JOIN outbound_recipient r ON r.month = s.month AND r.message_id = s.message_id
WHERE s.priority = 1 AND r.state = 3 AND s.addresses[1] LIKE 'urgent%'
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument(
        "--urgent", type=int, default=200, help="messages of priority 1, half of them of the other tenant"
    )
    parser.add_argument("--delay-ms", type=int, default=0, help="how far away the provider is")
    parser.add_argument("--signed", action="store_true", help="with the domain's RSA and Ed25519 keys")
    options = parser.parse_args()
    with Stage() as stage:
        sink = Sink(*(["--delay-ms", str(options.delay_ms)] if options.delay_ms else []))
        try:
            _run(stage, sink, options)
        finally:
            sink.stop()


def _run(stage: Stage, sink: Sink, options: argparse.Namespace) -> None:
    from common.database import connection
    from tenants.models import Tenant
    from tenants.scope import tenant_scope
    from tenants.services.creation import create_tenant

    create_tenant(slug="calm", name="Calm", host="calm.localhost")
    tenants = {slug: Tenant.objects.get(slug=slug) for slug in ("acme", "calm")}
    for tenant in tenants.values():
        with tenant_scope(tenant):
            _furnish(sink, signed=options.signed)
    connection.close()
    sender = _start_sender()
    try:
        for tenant in tenants.values():
            _submit(tenant, f"warm{tenant.pk}")
        _until(lambda: sink.stats()["unique"] >= len(tenants))
        with tenant_scope(tenants["acme"]), connection.cursor() as cursor:
            cursor.execute(_FILL, {"count": options.waiting, "html": mails.small()})
            cursor.execute("ANALYZE outbound_queue, outbound_message, outbound_submission")
            cursor.execute("DELETE FROM public.tenants_waitingmail WHERE schema = 'acme'")
            cursor.execute("INSERT INTO public.tenants_waitingmail VALUES ('acme', now())")
        began, cpu = time.monotonic(), cpu_seconds([sender.pid])
        for number in range(options.urgent):
            _submit(tenants["acme" if number % 2 else "calm"], f"urgent{number}")
            time.sleep(max(0.0, began + (number + 1) * 0.05 - time.monotonic()))
        still = options.waiting + options.urgent + 2 - sink.stats()["unique"]
        _until(lambda: sink.stats()["unique"] >= options.waiting + options.urgent + 2, 900)
        seconds, cpu = time.monotonic() - began, cpu_seconds([sender.pid]) - cpu
        time.sleep(1)  # the last outcomes are written
    finally:
        sender.send_signal(signal.SIGTERM)
        sender.wait(60)
    stats = sink.stats()
    if stats["duplicates"]:
        sys.exit(f"{stats['duplicates']} came twice: this must not be.")
    _print(tenants, options, seconds, cpu, still)


def _furnish(sink: Sink, *, signed: bool) -> None:
    from datetime import UTC, datetime

    from deliverability.services.domains import create_sending_domain
    from outbound.partitions import ensure_month, first_of_month
    from outbound.services.providers import create_provider

    create_provider(name="sink", host="127.0.0.1", port=sink.port, tls="none", connections=8)
    domain = create_sending_domain(name="acme.example")
    if not signed:
        domain.keys.update(is_active=False)
    ensure_month(first_of_month(datetime.now(UTC).date()))


def _submit(tenant: object, name: str) -> None:
    from outbound.submission.submitting import submit_message
    from outbound.submission.types import Door, Mailbox, Submission, Submitter
    from tenants.scope import tenant_scope

    submission = Submission(
        Door.RELAY,
        (Mailbox(f"{name}@example.com"),),
        "Your code",
        html=mails.small(),
        sender=Mailbox("shop@acme.example"),
        priority=1,
    )
    with tenant_scope(tenant):  # type: ignore[arg-type]
        submit_message(submission, submitter=Submitter())


def _start_sender() -> "subprocess.Popen[bytes]":
    path = os.pathsep.join([str(ROOT), str(ROOT / "platform")])
    malloc = {"MALLOC_MMAP_THRESHOLD_": "8388608", "MALLOC_TRIM_THRESHOLD_": "67108864"}
    program = (
        "import django; django.setup(); from django.core.management import call_command; call_command('queue', 'start')"
    )
    return subprocess.Popen([sys.executable, "-c", program], env={**os.environ, **malloc, "PYTHONPATH": path})


def _print(tenants: dict[str, object], options: argparse.Namespace, seconds: float, cpu: float, still: int) -> None:
    from common.database import connection
    from tenants.scope import tenant_scope

    rows: list[list[object]] = [["priority 1 through", "messages", "p50 s", "p95 s", "p99 s", "longest s"]]
    worst = 0.0
    for slug, tenant in tenants.items():
        with tenant_scope(tenant), connection.cursor() as cursor:  # type: ignore[arg-type]
            cursor.execute(_TIMES)
            times = sorted(float(row[0]) for row in cursor.fetchall())
        shown = [times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.95, 0.99)]
        worst = max(worst, shown[1])
        rows.append([slug, len(times), *(f"{one:.3f}" for one in [*shown, times[-1]])])
    done = options.waiting + options.urgent
    sys.stdout.write(
        f"{table(rows)}\n\n{still:,} of {options.waiting:,} still waited when the last urgent one was submitted.\n"
    )
    sys.stdout.write(f"{done / seconds:,.0f} messages/s, {cpu / done * 1e6:,.0f} us of the sender's CPU a message.\n")
    sys.stdout.write(f"Goal, p95 below {GOAL_SECONDS:g} s: {'met' if worst < GOAL_SECONDS else 'NOT met'}.\n")


def _until(question: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not question():  # type: ignore[operator]
        if time.monotonic() > deadline:
            sys.exit("It did not come to its end.")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
