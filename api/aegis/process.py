"""This process of the web server, as the system sees it."""

import os
import platform
import resource
from pathlib import Path
from typing import Any

from api.uptime import uptime_seconds

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_UNITS = ("B", "KB", "MB", "GB", "TB")


def environment() -> dict[str, Any]:
    """Python's version, and memory in bytes; the limit is written as `128M`, or -1 where there is none."""
    return {
        "python_version": platform.python_version(),
        "memory_usage": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "memory_peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "memory_limit": _memory_limit(),
    }


def uptime() -> str:
    """Since this process began: `2d 14h 23m`."""
    return in_words(uptime_seconds())


def in_words(seconds: int) -> str:
    """`2d 14h 23m`."""
    minutes = seconds // 60
    return f"{minutes // 1440}d {minutes // 60 % 24}h {minutes % 60}m"


def human_size(size: int) -> str:
    """Bytes as people read them: `0 B`, `1.5 KB`."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.2f}".rstrip("0").rstrip(".") + f" {_UNITS[unit]}"


def _memory_limit() -> str:
    """Of the container, else of the process."""
    try:
        limit = _CGROUP_LIMIT.read_text().strip()
    except OSError:
        limit = "max"
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    known = [int(limit)] if limit.isdecimal() else []
    known += [soft] if soft != resource.RLIM_INFINITY else []
    return f"{min(known) // (1 << 20)}M" if known else "-1"
