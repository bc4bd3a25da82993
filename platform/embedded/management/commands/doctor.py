"""manage.py doctor [--json]"""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from outbound.health import installation_checks
from tenants.management.base import HouseCommand


class Command(HouseCommand):
    help = "Say what is misconfigured, slow or stuck, and what to do. Exits 1 when something is wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        self.healthy = True
        super().handle(*args, **options)
        if not self.healthy:
            sys.exit(1)

    def perform(self, options: Mapping[str, Any]) -> dict[str, Any]:
        checks = installation_checks()
        self.healthy = all(check.ok or check.warning for check in checks)
        return {"healthy": self.healthy, "checks": [asdict(check) for check in checks]}

    def lines(self, answer: Mapping[str, Any]) -> list[str]:
        checks = answer["checks"]
        width = max(len(check["name"]) for check in checks)
        lines: list[str] = []
        for check in checks:
            lines.append(f"{_mark(check)}  {check['name']:<{width}}  {check['what']}")
            if check["do"]:
                lines.append(f"{'':9}{'':<{width}}  {check['do']}")
        return [*lines, "", _verdict(checks)]


def _mark(check: Mapping[str, Any]) -> str:
    return "ok     " if check["ok"] else "warning" if check["warning"] else "WRONG  "


def _verdict(checks: list[Mapping[str, Any]]) -> str:
    wrong = sum(not check["ok"] and not check["warning"] for check in checks)
    warnings = sum(check["warning"] for check in checks)
    if wrong:
        return f"{wrong} {'things are' if wrong > 1 else 'thing is'} wrong."
    return f"Nothing is wrong; {warnings} worth a look." if warnings else "All is well."
