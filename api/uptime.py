"""How long this process of the web server has been running, as Linux tells of it (proc_pid_stat(5))."""

import os
from pathlib import Path

_STARTED_AT = 19  # of the fields behind the name: field 22


def uptime_seconds() -> int:
    """Since it was started, not since somebody first called a path."""
    ticks = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[_STARTED_AT])
    up = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    return max(0, int(up - ticks / os.sysconf("SC_CLK_TCK")))
