"""The machine, as Linux tells of it (proc(5))."""

import os


def memory() -> tuple[int, int]:
    """Bytes: all of it, and what could be had without swapping."""
    with open("/proc/meminfo", encoding="ascii") as file:
        told = dict(line.split(":", 1) for line in file)
    return _bytes(told["MemTotal"]), _bytes(told["MemAvailable"])


def cpu_seconds() -> float:
    """How long its processors were busy since it was started, all of them together."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _waiting, irq, softirq = map(int, file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def load() -> float:
    """Over the last minute."""
    return os.getloadavg()[0]


def _bytes(told: str) -> int:
    return int(told.split()[0]) * 1024
