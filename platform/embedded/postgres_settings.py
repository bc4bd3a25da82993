"""Settings of the embedded PostgreSQL, for one machine that also runs all the rest."""

import os
from pathlib import Path

_MB = 1024 * 1024


def memory_of_machine() -> int:
    """Bytes of memory, or of the container's limit where that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        path = Path(file)
        limit = path.read_text().strip() if path.exists() else ""
        if limit.isdigit():
            memory = min(memory, int(limit))
    return memory


def settings_for(memory: int, *, fast_and_unsafe: bool) -> dict[str, str]:
    """A commit that was answered is on the disk, unless `fast_and_unsafe`, which is for tests only."""
    settings = {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "max_connections": "100",
        # A dump of all schemas locks every table of every tenant.
        "max_locks_per_transaction": "256",
        "shared_buffers": _megabytes(memory // 8, least=64, most=2048),
        "effective_cache_size": _megabytes(memory // 2, least=256, most=1 << 20),
        "maintenance_work_mem": _megabytes(memory // 32, least=64, most=512),
        "work_mem": "16MB",
        "wal_compression": "pglz",  # the wheel is built without lz4 and zstd
        "checkpoint_timeout": "15min",
        "max_wal_size": "4GB",
        "random_page_cost": "1.1",
        "jit": "off",
    }
    if fast_and_unsafe:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings |= {"shared_buffers": "128MB"}  # starts in half the time
    return settings


def _megabytes(size: int, *, least: int, most: int) -> str:
    return f"{max(least, min(most, size // _MB))}MB"
