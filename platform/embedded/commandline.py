"""`manage.py`: starts the embedded services where a command needs them, then hands over to Django."""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from django.core.management import execute_from_command_line

from common import environment
from common.errors import LettershopError
from embedded.demo.surroundings import settle_in
from embedded.running import set_services
from embedded.services import start_services

_ROOT = Path(__file__).resolve().parents[2]
# Commands that need no database: they must work on a machine where nothing can be started.
_WITHOUT_SERVICES = {
    "help",
    "version",
    "--help",
    "-h",
    "--version",
    "makemigrations",
    "collectstatic",
    "check",
}


def main(argv: Sequence[str]) -> None:
    """Run one command. A refusal is one sentence on stderr and exit code 1."""
    command = argv[1] if len(argv) > 1 else "help"
    arguments = _take_data_dir(list(argv))
    if command == "demo":
        settle_in(os.environ, _ROOT)
    with ExitStack() as stack:
        try:
            if command not in _WITHOUT_SERVICES and not {"-h", "--help"} & set(arguments):
                set_services(stack.enter_context(start_services(environment.data_dir(), environ=os.environ)))
            execute_from_command_line(arguments)
        except LettershopError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(1)


def _take_data_dir(arguments: list[str]) -> list[str]:
    """`--data-dir DIR` is for every command: it must be known before settings are read."""
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--data-dir":
            os.environ["LETTERSHOP_DATA"] = str(Path(next(rest, ".")).resolve())
        elif argument.startswith("--data-dir="):
            os.environ["LETTERSHOP_DATA"] = str(Path(argument.partition("=")[2]).resolve())
        else:
            kept.append(argument)
    return kept
