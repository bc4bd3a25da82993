"""S9: sends accepted over HTTP, durable before the 202, beside a plain DRF view that makes one row, in one run.

    .venv/bin/python bench/intake.py [--seconds 5] [--connections 32]

One web process each; database (all its safety on) and load generator share the machine. Our side checks a key, counts
the day's quotas, looks at the suppression list and the sending domains; the plain side checks the same fields and saves one
row. Neither writes a log line for each call here (LOG_LEVEL is WARNING), and no limits of calls are counted.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
from bench.api import serving  # noqa: E402
from bench.stage import ROOT, Stage, table  # noqa: E402

PLAIN, OURS = "bench.plain_intake:make_app", "config.asgi:application"
_NO_LIMITS = {f"API_LIMIT_{name}": "0" for name in ("PER_KEY", "PER_TENANT", "PER_USER", "GLOBAL", "AEGIS")}
_NO_LIMITS |= {f"SEND_LIMIT_{name}_DAILY": "0" for name in ("GLOBAL", "WORKSPACE", "USER")}
_GOAL, _GOAL_P99 = 5.0, 50.0
_TEXT = "Thank you for your order. It leaves our house tomorrow.\n" * 20
_WARM_UP = 1.0
_PLAIN_TABLE = """
CREATE TABLE plain_message (id bigserial PRIMARY KEY, recipient varchar(254) NOT NULL, subject varchar(998) NOT NULL,
    body text NOT NULL, status varchar(10) NOT NULL, created_at timestamptz NOT NULL)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    os.environ |= _NO_LIMITS
    with Stage(), tempfile.TemporaryDirectory() as folder:
        key = _fill()
        found, accepted = {}, 0
        for app, path in ((PLAIN, "/plain/send"), (OURS, "/send")):
            file = Path(folder) / "requests"
            file.write_text("\n".join(f"POST {path} {json.dumps(_body(number))}" for number in range(2_000)))
            with serving(app) as port:
                warm = _load(port, file, _WARM_UP, options.connections, key)
                found[app] = _load(port, file, options.seconds, options.connections, key)
            if app == OURS:
                accepted = warm["requests"] + found[app]["requests"]
        stored = _stored()
    _print(found, accepted, stored)


def _fill() -> str:
    """A sender, a provider, the plain side's table; returns a key."""
    from common.database import connection
    from deliverability.models import SendingDomain
    from outbound.models import ProviderAccount
    from tenants.models import Tenant
    from tenants.scope import current_tenant
    from tenants.services.keys import create_api_key

    with connection.cursor() as cursor:
        cursor.execute(_PLAIN_TABLE)
    Tenant.objects.update(plan=None)
    SendingDomain.objects.create(name="acme.example")
    ProviderAccount.objects.create(name="sink", host="127.0.0.1", port=2525, tls="none")
    return create_api_key(tenant=current_tenant(), name="bench")[1]


def _stored() -> int:
    from common.database import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM outbound_submission")
        return int(cursor.fetchone()[0])


def _body(number: int) -> dict[str, Any]:
    return {"to": f"person{number}@example.com", "subject": f"Order {number}", "body": _TEXT}


def _load(port: int, file: Path, seconds: float, connections: int, key: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "bench.http_load", str(port), str(connections), str(seconds), str(file)]
    argv += ["acme.localhost", f"X-API-Key: {key}"]
    found: dict[str, Any] = json.loads(
        subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    )
    if set(found["statuses"]) != {"202"}:
        sys.exit(f"The sends are answered {found['statuses']}: this must not be.")
    return found


def _print(found: dict[str, dict[str, Any]], accepted: int, stored: int) -> None:
    rows: list[list[object]] = [["", "requests/s", "p50 ms", "p99 ms"]]
    for name, app in (("plain DRF", PLAIN), ("ours", OURS)):
        one = found[app]
        rows.append([name, f"{one['per_second']:,.0f}", f"{one['p50_ms']:.1f}", f"{one['p99_ms']:.1f}"])
    sys.stdout.write(table(rows) + "\n")
    verdict = "equal" if accepted == stored else "NOT EQUAL"
    sys.stdout.write(f"{accepted:,} answered 202, {stored:,} stored: {verdict}\n")
    ratio, p99 = found[OURS]["per_second"] / found[PLAIN]["per_second"], found[OURS]["p99_ms"]
    verdict = "reached" if ratio >= _GOAL and p99 < _GOAL_P99 else "MISSED"
    sys.stdout.write(
        f"S9: {ratio:.1f} times the plain view's rate, p99 {p99:.1f} ms"
        f" (goal {_GOAL:.0f} times, < {_GOAL_P99:.0f} ms: {verdict})\n"
    )


if __name__ == "__main__":
    main()
