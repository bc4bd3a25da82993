"""The bounce door as a process of its own: `python -m api.hooks --host 127.0.0.1 --port 2527`. SIGTERM drains, exit 0."""

import argparse
import asyncio
import os
import signal

import django
import uvloop
from django.conf import settings

# Models may only be imported when the apps are ready.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from api.hooks.bounce_door import start_bounce_door  # noqa: E402
from common.database import conninfo  # noqa: E402
from outbound.stamping import key_ring  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m api.hooks", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2527)
    options = parser.parse_args()
    uvloop.run(_serve(options.host, options.port))


async def _serve(host: str, port: int) -> None:
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    door = await start_bounce_door(host, port, conninfo=conninfo(), keys=key_ring(), hostname=settings.HELO_NAME)
    await told_to_end.wait()
    await door.stop()


if __name__ == "__main__":
    main()
