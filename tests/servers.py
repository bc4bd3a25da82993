"""Starts the servers the tests run against, before Django reads its settings.

With DATABASE_URL and REDIS_URL set, those servers are used, in databases of their own. Tests may run in several processes
(`-n`): each has its own servers, or its own databases on the given ones.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [path for path in (str(ROOT), str(ROOT / "platform")) if path not in sys.path]

from embedded.services import start_services  # noqa: E402

DATA = Path(tempfile.mkdtemp(prefix="lettershop-tests-"))
os.environ["LETTERSHOP_DATA"] = str(DATA)
os.environ["SECRET_KEY"] = "only for tests"
os.environ["LOG_LEVEL"] = "WARNING"
os.environ["KEY_HASH_ROUNDS"] = "4"
# All tests share two tenants: without this they would use up each other's calls. Tests of the limits set their own.
os.environ |= {f"API_LIMIT_{name}": "0" for name in ("PER_KEY", "PER_USER", "PER_TENANT", "GLOBAL", "WRONG_KEYS")}
os.environ |= {f"API_LIMIT_{name}": "0" for name in ("AEGIS", "RELAY_TIERS", "RELAY_SEND", "RELAY_LIST")}
os.environ |= {"API_LIMIT_RELAY_REALTIME": "0", "API_LIMIT_RELAY_ADMIN": "0", "RATE_LIMIT_MAX": "0"}
# Providers in the world are asked by no test: nothing is requested from this port.
os.environ |= dict.fromkeys(("GMAIL_TOKEN_URL", "MAILGUN_URL_US", "MAILGUN_URL_EU"), "http://127.0.0.1:9/")
_GIVEN = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")
worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if not worker:
    # The processes of `-n` inherit what is set below: they must know whose servers these are.
    os.environ["LETTERSHOP_TESTS_BRING_SERVERS"] = "" if os.environ.get("DATABASE_URL") else "yes"
elif os.environ["LETTERSHOP_TESTS_BRING_SERVERS"]:
    for name in _GIVEN:
        os.environ.pop(name, None)
elif given := os.environ.get("REDIS_URL"):
    url = urlsplit(given)
    number = int(url.path.strip("/") or 0) + 1 + int(worker.removeprefix("gw"))
    os.environ["REDIS_URL"] = url._replace(path=f"/{number}").geturl()
_services = start_services(DATA, environ=os.environ, fast_and_unsafe=True)
_services.__enter__()


def _stop() -> None:
    _services.__exit__(None, None, None)
    shutil.rmtree(DATA, ignore_errors=True)


atexit.register(_stop)
