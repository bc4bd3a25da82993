"""Trials T1 and T2: a campaign to a counting sink while everything around it fails.

    .venv/bin/python chaos/campaign.py [--recipients 20000] [--only kill drain replies]

kill     workers at work get SIGKILL or SIGTERM every second or two, PostgreSQL is restarted twice, Redis is flushed
drain    workers get SIGTERM only: nothing may be in doubt, nobody mailed twice
replies  1 % of messages are answered 451, 1 % of recipients 550, 1 % of connections dropped after the final dot

The real system runs (`manage.py serve`); the sink's books are compared with the database's, recipient by recipient.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
from bench import mails  # noqa: E402
from bench.stage import Sink, Stage, table  # noqa: E402
from chaos.serving import command_of, processes_below, serve  # noqa: E402

_PATIENCE = 420.0


@dataclass
class Trial:
    name: str
    sink: tuple[str, ...] = ("--delay-ms", "150")
    signals: tuple[int, ...] = ()
    restarts: int = 0
    flushes: int = 0
    log: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Books:
    """Both sides of the truth."""

    trial: Trial
    states: Counter[str]
    stats: dict[str, Any]
    lost: int  # not at the sink, although the database does not say so
    untold_twice: int  # mailed more than once, although the database does not show a doubt
    seconds: float


TRIALS = {
    "kill": Trial("kill", signals=(signal.SIGKILL, signal.SIGKILL, signal.SIGTERM), restarts=2, flushes=1),
    "drain": Trial("drain", signals=(signal.SIGTERM,)),
    "replies": Trial("replies", sink=("--defer-every", "99", "--fail-rcpt-every", "100", "--drop-every", "101")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--only", nargs="*", default=list(TRIALS), choices=list(TRIALS))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if len(options.only) > 1:
        sys.exit(_each_on_its_own(options.only, options.recipients, options.seed))
    random.seed(options.seed)
    os.environ["ENGINE_RETRY_SECONDS"] = "1,1,2,2,4"
    books = [_try(TRIALS[name], options.recipients) for name in options.only]
    _print(books, options.recipients)


def _each_on_its_own(names: list[str], recipients: int, seed: int) -> int:
    """A process for each trial: settings are read once in a process, and each trial has servers of its own."""
    failed, lost, twice = 0, 0, 0
    for name in names:
        argv = [sys.executable, __file__, "--recipients", str(recipients), "--seed", str(seed), "--only", name]
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True)
        sys.stdout.write(done.stdout)
        sys.stdout.flush()
        figures = re.search(r": (\d+) lost, (\d+) mailed twice", done.stdout)
        failed += done.returncode != 0 or figures is None
        if figures is not None:
            lost, twice = lost + int(figures[1]), twice + int(figures[2])
    told = f"{len(names)} trials of {recipients:,} recipients: {failed} failed, {lost} lost, {twice} mailed twice"
    sys.stdout.write(f"\n{told}\n")
    return 1 if failed else 0


def _try(trial: Trial, recipients: int) -> Books:
    sink = Sink(*trial.sink)
    with Stage() as stage:
        try:
            stage.make_contacts(recipients)
            with serve(stage, "--workers", "2") as (server, _):
                message = _start_campaign(sink.port)
                began = time.monotonic()
                _disturb(trial, server, stage, message)
                return _compare(trial, sink, message, time.monotonic() - began)
        finally:
            sink.stop()


def _start_campaign(port: int) -> int:
    from campaigns.models import CampaignPart
    from campaigns.services.drafts import Draft, create_campaign
    from campaigns.services.sending import send_campaign
    from campaigns.services.templates import TemplateText, create_template
    from outbound.services.providers import create_provider

    create_provider(name="sink", host="127.0.0.1", port=port, tls="none", connections=10)
    template = create_template(written=TemplateText(name="Offers", subject=mails.SUBJECT, html=mails.small()))
    campaign = create_campaign(draft=Draft(name="Chaos", template=template, sender="Acme <news@acme.example>"))
    send_campaign(campaign=campaign)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        part = CampaignPart.objects.filter(campaign=campaign).first()
        if part is not None:
            return int(part.message_id)
        time.sleep(0.1)
    sys.exit("the campaign was not planned within a minute")


def _disturb(trial: Trial, server: "subprocess.Popen[str]", stage: Stage, message: int) -> None:
    """Until every recipient has an outcome, or patience ends."""
    began, restarts, flushes, turn, seen = time.monotonic(), trial.restarts, trial.flushes, 0, 0
    while not _finished(stage, message):
        if time.monotonic() - began > _PATIENCE:
            sys.exit(f"{trial.name}: not finished after {_PATIENCE:.0f} s")
        time.sleep(random.uniform(1.0, 2.0))
        turn += 1
        progress = _recorded(stage, message)
        if trial.signals and progress > seen:
            # Only who is at work: killing a worker that starts puts nothing at stake, it only takes time.
            seen = progress
            _signal_a_worker(trial, server.pid)
        if restarts and turn % 3 == 0:
            restarts -= 1
            stage.restart_postgres()
            trial.log.append("PostgreSQL restarted")
        if flushes and turn == 4:
            flushes -= 1
            stage.flush_redis()
            trial.log.append("Redis flushed")


def _finished(stage: Stage, message: int) -> bool:
    from django.db import OperationalError

    from outbound.models import Message

    try:
        return bool(Message.objects.get(pk=message).state == "finished")
    except OperationalError:
        stage.reconnect()
        return False


def _recorded(stage: Stage, message: int) -> int:
    from django.db import OperationalError

    from outbound.models import Recipient

    try:
        return Recipient.objects.filter(message_id=message).count()
    except OperationalError:
        stage.reconnect()
        return 0


def _signal_a_worker(trial: Trial, server: int) -> None:
    """Any of the Celery processes: the parent, one of its children, or beat."""
    workers = [pid for pid in processes_below(server) if b"celery" in command_of(pid)]
    if workers:
        chosen, number = random.choice(workers), random.choice(trial.signals)
        try:
            os.kill(chosen, number)
        except ProcessLookupError:
            return
        trial.log.append(signal.Signals(number).name)


def _compare(trial: Trial, sink: Sink, message: int, seconds: float) -> Books:
    from common.database import connection
    from outbound.models import Message
    from outbound.states import RecipientState

    total = Message.objects.get(pk=message).total
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.email, r.state FROM outbound_recipient r JOIN contacts_contact k ON k.id = r.contact_id WHERE r.message_id = %s",
            [message],
        )
        known = dict(cursor.fetchall())
    states = Counter(RecipientState(state).label for state in known.values())
    states["no row"] = total - len(known)
    missing = sink.missing("user%d@example.com", total)
    stats = sink.stats()
    # The sink names only the first of the missing: their number is compared with who may rightly be missing.
    may_be_missing = states["in doubt"] + states["bounced hard"] + states["bounced soft"] + states["failed"]
    lost = max(0, missing["missing"] + missing["refused"] - may_be_missing) + states["no row"]
    untold = max(0, stats["duplicates"] - stats["duplicates_after_drop"] - states["in doubt"])
    return Books(trial, states, stats, lost, untold, seconds)


def _print(books: list[Books], recipients: int) -> None:
    rows: list[list[object]] = [["trial", "lost", "twice", "in doubt", "sent", "bounced", "seconds", "what happened"]]
    for one in books:
        happened = ", ".join(f"{count} x {what}" for what, count in Counter(one.trial.log).items())
        bounced = one.states["bounced hard"] + one.states["bounced soft"]
        rows.append([
            one.trial.name, one.lost, one.stats["duplicates"], one.states["in doubt"], one.states["sent"], bounced,
            f"{one.seconds:.0f}", happened or f"{one.stats['deferred']} deferred, {one.stats['dropped']} dropped",
        ])  # fmt: skip
    sys.stdout.write("\n" + table(rows) + "\n\n")
    failed = [
        one.trial.name
        for one in books
        if one.lost or one.untold_twice or (one.trial.name == "drain" and one.states["in doubt"])
    ]
    lost = sum(one.lost for one in books)
    twice = sum(one.stats["duplicates"] for one in books)
    sys.stdout.write(f"{len(books)} trials of {recipients:,} recipients: {lost} lost, {twice} mailed twice\n")
    if failed:
        sys.exit(f"FAILED: {', '.join(failed)}")


if __name__ == "__main__":
    main()
