"""manage.py maintenance on|off|status [--message TEXT] [--minutes N]"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from tenants.management.base import HouseCommand
from tenants.services.maintenance import MaintenanceState, begin, current, end

_BY = "manage.py maintenance"


class Command(HouseCommand):
    help = "Close sending for a while, or open it again. Reading, tracking and webhooks go on."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["on", "off", "status"])
        parser.add_argument("--message", default="", help="what senders are told")
        parser.add_argument("--minutes", type=int, default=None, help="it ends by itself after so long")

    def perform(self, options: Mapping[str, Any]) -> dict[str, Any]:
        if options["action"] == "on":
            return _told(begin(message=options["message"], minutes=options["minutes"], by=_BY))
        if options["action"] == "off":
            end(by=_BY)
        return _told(current())


def _told(state: MaintenanceState | None) -> dict[str, Any]:
    if state is None:
        return {"maintenance": "off"}
    return {"maintenance": "on", "message": state.message, "started_at": state.started_at, "until": state.until}
