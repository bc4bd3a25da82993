"""Why an embedded server did not start or stop, in a sentence that says what to do."""

import re
from pathlib import Path

from common.errors import LettershopError

_LINES_SHOWN = 12
_BYTES_READ = 16384


class ServerFailed(LettershopError):
    """An embedded server could not be started, reached or stopped."""

    code = "embedded_server_failed"


def explain_log(server: str, data_dir: Path, log: str) -> ServerFailed:
    """The error for a server that gave up; `log` is what it wrote in this attempt, its end is shown."""
    for pattern, sentence, hint in _KNOWN:
        found = re.search(pattern, log)
        if found:
            detail = found.groupdict().get("detail", "")
            sentence = sentence.format(server=server, data_dir=data_dir, detail=detail)
            return ServerFailed(sentence, hint=f"{hint}{_quoted(log)}")
    return ServerFailed(
        f"{server} did not start from {data_dir}.",
        hint=f"Its own words are below; or use a server of your own, see .env.example.{_quoted(log)}",
    )


def end_of_log(path: Path, since: int = 0) -> str:
    """What stands in the file after the byte `since`, at most the last 16 KB; "" without a file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(since if since <= size else 0, size - _BYTES_READ))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _quoted(log: str) -> str:
    lines = [line for line in log.strip().splitlines() if line.strip()][-_LINES_SHOWN:]
    return "".join(f"\n    {line}" for line in lines)


# What stands in the log (English: the servers are started with LC_MESSAGES=C), what it means, what to do.
_KNOWN = (
    (
        r"No space left on device|Disk quota exceeded",
        "The disk that holds {data_dir} is full, so {server} cannot start.",
        "Free some space there and start again.",
    ),
    (
        r"error while loading shared libraries: (?P<detail>[^:\s]+)",
        "{server} needs the system library {detail}, which this machine does not have.",
        "Install it with the system's package manager (libz.so.1 is in zlib1g or zlib) and start again.",
    ),
    (
        r"[Cc]annot allocate memory|could not map anonymous shared memory|Out of memory",
        "There is not enough free memory to start {server}.",
        "End other programs, or give the machine or container more memory.",
    ),
    (
        r"database files are incompatible|was initialized by PostgreSQL version",
        "The data in {data_dir} was written by another version of {server}.",
        "Start the version that wrote it, dump the data, and restore it into an empty data directory.",
    ),
    (
        r"Read-only file system",
        "{data_dir} lies on a read-only file system.",
        "Make it writable, or choose another data directory with --data-dir.",
    ),
    (
        r"Permission denied|has wrong ownership|has invalid permissions|Operation not permitted",
        "{server} may not read or write {data_dir}, or a folder above it.",
        "Give it to the user who runs this, or choose one that is not below a private folder, with --data-dir.",
    ),
)
