"""Campaign sending (goals S1 to S6): CPU and peak memory of the sending processes, messages a second, beside naive Django.

    .venv/bin/python bench/campaign.py [--recipients 50000] [--only NAME …]

Figures are CPU of the sender (user and system, its database thread included) for each message handed over; the rate is
the sink's, first to last message. Every run must account for every recipient, or the bench fails.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
from bench import mails  # noqa: E402
from bench.stage import ROOT, Sink, Stage, table  # noqa: E402


@dataclass(frozen=True)
class Trial:
    """One line of the table."""

    name: str
    html: str
    signing: tuple[str, ...] = ()
    workers: int = 1
    delay_ms: int = 0
    connections: int = 16
    share: float = 1.0  # of --recipients


@dataclass(frozen=True)
class Result:
    us: float
    rate: float
    peak_mb: float
    bytes: int


def trials() -> list[Trial]:
    small, large = mails.small(), mails.large()
    return [
        Trial("small", small),
        Trial("large", large),
        Trial("small, Ed25519", small, ("ed25519-sha256",), share=0.5),
        Trial("small, RSA", small, ("rsa-sha256",), share=0.3),
        Trial("large, Ed25519", large, ("ed25519-sha256",), share=0.5),
        Trial("large, RSA", large, ("rsa-sha256",), share=0.3),
        Trial("large, RSA and Ed25519", large, ("rsa-sha256", "ed25519-sha256"), share=0.3),
        Trial("small, 20 ms away, 100 connections", small, delay_ms=20, connections=100),
        Trial("large, two workers", large, workers=2),
        Trial("large, RSA, two workers", large, ("rsa-sha256",), workers=2, share=0.3),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=50_000)
    parser.add_argument("--naive", type=int, default=200, help="messages sent the naive way; 0: none")
    parser.add_argument("--only", nargs="*", default=[], help="names of trials")
    options = parser.parse_args()
    chosen = [trial for trial in trials() if not options.only or trial.name in options.only]
    with Stage() as stage:
        stage.make_contacts(options.recipients)
        results = {trial.name: _run(trial, max(1_000, int(options.recipients * trial.share))) for trial in chosen}
        limits = signing_limits()
        naive = {name: _naive(html, options.naive) for name, html in _naive_mails(options.naive)}
    _print(results, naive, limits)


def signing_limits() -> dict[str, float]:
    """What the signatures alone cost on this machine just now, in microseconds: no sender can be below."""
    message, found = b"x" * 600, {}
    rsa_key, ed_key = rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()
    for name, sign in (
        ("rsa-sha256", lambda: rsa_key.sign(message, padding.PKCS1v15(), hashes.SHA256())),
        ("ed25519-sha256", lambda: ed_key.sign(message)),
    ):
        began = time.process_time()
        for _ in range(1_000):
            sign()
        found[name] = (time.process_time() - began) * 1_000
    return found


def _run(trial: Trial, recipients: int) -> Result:
    sink = Sink(*(["--delay-ms", str(trial.delay_ms)] if trial.delay_ms else []))
    try:
        message = _start(trial, sink.port, recipients)
        told = _work(message, trial.workers)
        stats = sink.stats()
    finally:
        sink.stop()
    _check(trial, stats, recipients)
    done = sum(int(one["handed_over"]) for one in told)
    us = sum(one["cpu"] for one in told) / done * 1e6
    result = Result(us, stats["rate"], max(one["peak_mb"] for one in told), stats["bytes_per_message"])
    sys.stdout.write(f"{trial.name}: {result.us:.1f} us, {result.rate:,.0f}/s, {result.peak_mb:.0f} MB\n")
    sys.stdout.flush()
    return result


def _start(trial: Trial, port: int, recipients: int) -> int:
    from django.utils import timezone
    from psycopg import sql

    from deliverability.models import DkimKey, SendingDomain
    from deliverability.services.domains import create_sending_domain
    from outbound.compiler import Content
    from outbound.models import Message, ProviderAccount
    from outbound.services import freeze_audience, plan_message
    from outbound.services.providers import create_provider
    from outbound.stamping import Sender, make_stamp

    ProviderAccount.objects.update(is_active=False)
    if not SendingDomain.objects.exists():
        create_sending_domain(name="acme.example")
    DkimKey.objects.update(is_active=False)
    DkimKey.objects.filter(algorithm__in=trial.signing).update(is_active=True)
    provider = create_provider(
        name=f"sink {trial.name}", host="127.0.0.1", port=port, tls="none", connections=trial.connections
    )
    message = plan_message(
        origin="bench",
        name=trial.name,
        provider=provider,
        content=Content(subject=mails.SUBJECT, html=trial.html),
        stamp=make_stamp(Sender("news@acme.example", "Acme")),
        links=[],
    )
    first = sql.SQL("SELECT id FROM contacts_contact ORDER BY id LIMIT {}").format(sql.Literal(recipients))
    freeze_audience(message, first)
    Message.objects.filter(pk=message.pk).update(state="sending", started_at=timezone.now())
    return int(message.pk)


def _work(message: int, workers: int) -> list[dict[str, float]]:
    argv = [sys.executable, str(ROOT / "bench" / "sender.py"), str(message), "acme"]
    environ = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "8388608", "MALLOC_TRIM_THRESHOLD_": "67108864"}
    children = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, text=True)
        for _ in range(workers)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    told: list[dict[str, float]] = []
    for child in children:
        output, _ = child.communicate(timeout=900)
        told.append(json.loads(output))
    return told


def _check(trial: Trial, stats: dict[str, int], recipients: int) -> None:
    if stats["unique"] != recipients or stats["duplicates"]:
        sys.exit(
            f"{trial.name}: {stats['unique']} of {recipients} recipients, {stats['duplicates']} twice: this must not be."
        )


def _naive_mails(count: int) -> list[tuple[str, str]]:
    return [("small", mails.small()), ("large", mails.large())] if count else []


def _naive(html: str, count: int) -> float:
    from bench.naive import send_naively
    from outbound.models import Recipient

    sink = Sink()
    try:
        Recipient.objects.filter(message_id=999_999).delete()
        return send_naively(mails.SUBJECT, html, port=sink.port, count=count) * 1e6
    finally:
        sink.stop()


def _print(results: dict[str, Result], naive: dict[str, float], limits: dict[str, float]) -> None:
    rows: list[list[object]] = [["trial", "bytes", "us/message", "signing alone", "messages/s", "peak MB"]]
    signing = {trial.name: sum(limits[algorithm] for algorithm in trial.signing) for trial in trials()}
    for name, result in results.items():
        limit = f"{signing[name]:.0f}" if signing[name] else ""
        rows.append([name, result.bytes, f"{result.us:.1f}", limit, f"{result.rate:,.0f}", f"{result.peak_mb:.0f}"])
    for name, us in naive.items():
        rows.append([f"naive Django, {name}", "", f"{us:,.0f}", "", "", ""])
    sys.stdout.write("\n" + table(rows) + "\n\n")
    for name in ("small", "large"):
        if name in results and name in naive:
            ratio = naive[name] / results[name].us
            sys.stdout.write(f"{name}: {results[name].us:.1f} us a message, {ratio:.0f} times less than naive Django\n")


if __name__ == "__main__":
    main()
