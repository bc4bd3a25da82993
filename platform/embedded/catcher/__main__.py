"""`python -m embedded.catcher --smtp-port 2525 --http-port 8025 --data-dir DIR`."""

import argparse
import asyncio
import logging
import sqlite3
import sys
from pathlib import Path

import uvloop

from embedded.catcher.catcher import CatcherSettings, run_catcher


def main(arguments: list[str]) -> int:
    """The exit status: 0 after SIGTERM or SIGINT, 1 if it cannot start."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_catcher(_settings(arguments)))
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"The mail catcher cannot run: {error}\n")
        return 1
    return 0


def _settings(arguments: list[str]) -> CatcherSettings:
    parser = argparse.ArgumentParser(prog="embedded.catcher", description="Catches every mail and shows it.")
    parser.add_argument("--data-dir", type=Path, required=True, help="mails are kept in its folder catcher")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--smtp-port", type=int, default=2525, help="0 takes any free port (%(default)s)")
    parser.add_argument("--http-port", type=int, default=8025, help="0 takes any free port (%(default)s)")
    parser.add_argument("--keep", type=int, default=20_000, help="how many mails, the oldest go (%(default)s)")
    parser.add_argument(
        "--refuse", action="append", default=[], metavar="PATTERN", help="recipients that do not exist: bounce*@*"
    )
    parser.add_argument(
        "--defer", action="append", default=[], metavar="PATTERN", help="recipients told once to come again"
    )
    given = parser.parse_args(arguments)
    return CatcherSettings(
        folder=given.data_dir / "catcher",
        host=given.host,
        smtp_port=given.smtp_port,
        http_port=given.http_port,
        keep=given.keep,
        refuse=tuple(given.refuse),
        defer=tuple(given.defer),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
