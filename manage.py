#!/usr/bin/env python3
"""Lettershop's command line: `python manage.py help` lists the commands.

Without DATABASE_URL and REDIS_URL the embedded servers below the data directory are started for the
time of the command, or used if another command (`serve`, `demo`) has them running.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from embedded.commandline import main  # noqa: E402  the line above puts it on the path

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main(sys.argv)
