"""manage.py queue status|process|logs|start [--tenant SLUG] [--json]"""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from common.database import connection
from outbound.posting.heartbeat import living_senders
from outbound.posting.sender import Sent, process, start
from outbound.posting.standing import latest, standing
from tenants.management.base import HouseCommand
from tenants.models import Tenant
from tenants.scope import tenant_by_slug

_DEEDS = ("status", "process", "logs", "start")
_LINES = 50


class Command(HouseCommand):
    help = "Single messages: what waits (status), what became of the last ones (logs), send what is due (process), send (start)."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("deed", choices=_DEEDS, help="start runs until SIGTERM")
        parser.add_argument("count", nargs="?", type=int, default=_LINES, help="how many outcomes logs shows")
        parser.add_argument("--tenant", metavar="SLUG", default="", help="of this tenant only")

    def perform(self, options: Mapping[str, Any]) -> dict[str, Any]:
        tenants = _tenants(options["tenant"])
        only = [tenant.schema_name for tenant in tenants] if options["tenant"] else None
        match options["deed"]:
            case "status":
                return {"senders": living_senders(), **asdict(standing(tenants))}
            case "logs":
                return {"outcomes": [asdict(line) for line in latest(tenants, max(1, options["count"]))]}
            case "process":
                with _until_told() as stop:
                    return _told(process(only=only, stop=stop))
            case _:
                connection.close()  # this thread has no more questions
                with _until_told() as stop:
                    return _told(start(only=only, stop=stop))

    def lines(self, answer: Mapping[str, Any]) -> list[str]:
        if "outcomes" in answer:
            return [_line(one) for one in answer["outcomes"]] or ["Nothing was sent yet."]
        if "waiting" in answer:
            return _status(answer)
        if not answer["sent"] and not answer["left_over"]:
            return ["Nothing was due."]
        told = [f"{count} {state}" for state, count in sorted(answer["sent"].items())]
        if answer["left_over"]:
            told.append(f"still waiting: {', '.join(answer['left_over'])} (see queue status)")
        return told


def _tenants(slug: str) -> list[Tenant]:
    if slug:
        return [tenant_by_slug(slug)]
    return list(Tenant.objects.filter(is_active=True).exclude(schema_name="public").order_by("slug"))


@contextmanager
def _until_told() -> Iterator[Callable[[], bool]]:
    """Whether this process was asked to end, by SIGTERM or SIGINT."""
    told = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, lambda *_: told.set()) for number in numbers}
    try:
        yield told.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(sent: Sent) -> dict[str, Any]:
    return {"sent": dict(sent.outcomes), "left_over": list(sent.left_over)}


def _line(one: Mapping[str, Any]) -> str:
    code = f" {one['code']}" if one["code"] else ""
    words = f" {one['reason']}" if one["reason"] else ""
    return f"{one['at']:%Y-%m-%d %H:%M:%S}  {one['tenant']}  msg_{one['message']}  {one['email']}  {one['state']}{code}{words}"


def _status(answer: Mapping[str, Any]) -> list[str]:
    senders = answer["senders"]
    alive = (
        "unknown, Redis is away"
        if senders is None
        else ", ".join(senders) or "none: start one with manage.py queue start"
    )
    told = [f"senders alive: {alive}", ""]
    heading = ("tenant", "priority", "waiting", "due", "scheduled", "in hand", "oldest", "next due")
    told += _table(
        heading,
        [
            (*(one[name] for name in ("tenant", "priority", "waiting", "due", "scheduled", "in_hand")),
             f"{one['oldest']:%Y-%m-%d %H:%M:%S}", f"{one['next_due']:%Y-%m-%d %H:%M:%S}" if one["next_due"] else "")
            for one in answer["waiting"]
        ],
    ) if answer["waiting"] else ["Nothing waits."]  # fmt: skip
    for one in answer["batches"]:
        state = "expired" if one["expired"] else f"until {one['lease_until']:%H:%M:%S}"
        told.append(
            f"{one['tenant']}: batch {one['batch']} for {one['provider']}: {one['open']} of {one['size']} open, {one['owner']}, {state}"
        )
    for one in answer["down"]:
        told.append(f"{one['tenant']}: {one['provider']} is down since {one['since']:%Y-%m-%d %H:%M:%S}: {one['why']}")
    return told


def _table(heading: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    texts = [heading, *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(heading))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts]
