"""Trial T3 over HTTP: what was answered 202 is sent, whatever is killed meanwhile.

    .venv/bin/python chaos/intake.py [--messages 10000] [--connections 16]

The real system runs (`manage.py serve`). Programs post messages, each to an address of its own, and try again until they
get their 202; web, senders and workers get SIGKILL in turn, PostgreSQL is restarted twice, Redis is flushed. Then the
addresses that were promised are compared with the sink's books.
"""

import argparse
import http.client
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
from bench.stage import Sink, Stage, table  # noqa: E402
from chaos.serving import command_of, processes_below, serve  # noqa: E402

_PATIENCE = 600.0
_VICTIMS = (b"uvicorn", b"queue", b"celery")


class Program:
    """Posts its share of the messages; `promised` are the numbers that were answered 202."""

    def __init__(self, port: int, key: str, numbers: list[int]) -> None:
        self._port, self._headers = (
            port,
            {"Content-Type": "application/json", "X-Api-Key": key, "Host": "acme.localhost"},
        )
        self._numbers = numbers
        self.promised: list[int] = []
        self.answers: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        line: http.client.HTTPConnection | None = None
        for number in self._numbers:
            while True:
                line = line or http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
                try:
                    status = self._post(line, number)
                except (OSError, http.client.HTTPException) as error:
                    self.answers[type(error).__name__] += 1
                    line.close()
                    line = None
                    time.sleep(0.1)
                    continue
                self.answers[str(status)] += 1
                if status == 202:
                    self.promised.append(number)
                    break
                time.sleep(0.2)

    def _post(self, line: http.client.HTTPConnection, number: int) -> int:
        body = {"to": f"user{number}@example.com", "subject": f"Order {number}", "body": "It is on its way."}
        line.request("POST", "/send", json.dumps(body), self._headers)
        answer = line.getresponse()
        answer.read()
        return answer.status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    random.seed(options.seed)
    os.environ["ENGINE_RETRY_SECONDS"] = "1,1,2,2,4"
    os.environ |= {f"API_LIMIT_{name}": "0" for name in ("PER_KEY", "PER_TENANT", "PER_USER", "GLOBAL", "AEGIS")}
    os.environ |= {f"SEND_LIMIT_{name}_DAILY": "0" for name in ("GLOBAL", "WORKSPACE", "USER")}
    sink = Sink()
    with Stage() as stage:
        try:
            _try(stage, sink, options)
        finally:
            sink.stop()


def _try(stage: Stage, sink: Sink, options: argparse.Namespace) -> None:
    key = _furnish(sink.port)
    with serve(stage, "--workers", "2") as (server, port):
        numbers = list(range(options.messages))
        programs = [Program(port, key, numbers[n :: options.connections]) for n in range(options.connections)]
        began = time.monotonic()
        for program in programs:
            program.start()
        log = _disturb(stage, server.pid, programs)
        for program in programs:
            program.join()
        accepted = time.monotonic() - began
        _wait_until_sent(stage)
        _compare(sink, programs, options.messages, accepted, time.monotonic() - began, log)


def _furnish(port: int) -> str:
    from deliverability.models import SendingDomain
    from outbound.models import ProviderAccount
    from tenants.models import Tenant
    from tenants.scope import current_tenant
    from tenants.services.keys import create_api_key

    Tenant.objects.update(plan=None)
    SendingDomain.objects.create(name="acme.example")
    ProviderAccount.objects.create(name="sink", host="127.0.0.1", port=port, tls="none", connections=8)
    return create_api_key(tenant=current_tenant(), name="chaos")[1]


def _disturb(stage: Stage, server: int, programs: list[Program]) -> list[str]:
    log: list[str] = []
    turn, promised = 0, 0
    while not all(program.is_done for program in programs):
        time.sleep(random.uniform(1.0, 2.0))
        if (so_far := sum(len(program.promised) for program in programs)) == promised:
            # Only who is at work: killing what starts puts nothing at stake, it only takes time.
            continue
        promised = so_far
        turn += 1
        wanted = _VICTIMS[turn % len(_VICTIMS)]
        victims = [pid for pid in processes_below(server) if wanted in command_of(pid)]
        if victims:
            os.kill(random.choice(victims), signal.SIGKILL)
            log.append(f"SIGKILL {wanted.decode()}")
        if turn in (4, 9):
            stage.restart_postgres()
            log.append("PostgreSQL restarted")
        if turn == 6:
            stage.flush_redis()
            log.append("Redis flushed")
    return log


def _wait_until_sent(stage: Stage) -> None:
    from django.db import Error

    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            if not _rows("SELECT 1 FROM outbound_queue LIMIT 1"):
                return
        except Error:
            stage.reconnect()
        time.sleep(0.5)
    sys.exit(f"the queue was not empty after {_PATIENCE:.0f} s")


def _rows(query: str) -> list[tuple[Any, ...]]:
    from common.database import connection

    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _compare(
    sink: Sink, programs: list[Program], messages: int, accepted: float, seconds: float, log: list[str]
) -> None:
    promised = {number for program in programs for number in program.promised}
    states = dict(_rows("SELECT state, count(*) FROM outbound_recipient GROUP BY state"))
    in_doubt = states.get(10, 0)
    missing, stats = sink.missing("user%d@example.com", messages), sink.stats()
    lost = max(0, missing["missing"] - in_doubt - (messages - len(promised)))
    answers = sum((program.answers for program in programs), Counter[str]())
    happened = ", ".join(f"{count} x {what}" for what, count in Counter(log).items())
    rows = [
        ["promised", "missing", "twice", "in doubt", "accepted in", "all sent in"],
        [len(promised), lost, stats["duplicates"], in_doubt, f"{accepted:.0f} s", f"{seconds:.0f} s"],
    ]
    sys.stdout.write(f"\n{happened}\nanswers: {dict(answers)}\n\n{table(rows)}\n\n")
    sys.stdout.write(f"T3 over HTTP: {len(promised):,} acknowledged, {lost} missing\n")
    if lost or len(promised) != messages:
        sys.exit("FAILED")


if __name__ == "__main__":
    main()
