"""A small HTTP load generator: keep-alive connections, each with one request on its way at a time.

    python -m bench.http_load PORT CONNECTIONS SECONDS FILE HOST [HEADER …]

FILE has one path on each line; they are asked for in turn, with the headers (`Name: value`). `POST <path> <body>` posts the
rest of the line as JSON. Prints one line of JSON.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import uvloop

_AGENTS = [f"Mozilla/5.0 (X11; Linux x86_64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0" for n in range(100, 140)]


class Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], results: "Results") -> None:
        self._requests = requests
        self._results = results
        self._received = b""
        self._sent_at = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Responses have a content-length; one is expected at a time."""
        received = self._received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        at = received[:end].lower().find(b"content-length: ")
        if at < 0:
            raise ValueError(f"a response without content-length: {received[:200]!r}")
        length = int(received[at + 16 : received.index(b"\r", at)])
        if len(received) < end + 4 + length:
            return
        now = time.perf_counter()
        self._results.took.append(now - self._sent_at)
        self._results.statuses[received[9:12]] += 1
        self._received = b""
        if now < self._results.until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(error)

    def _ask(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))


class Results:
    def __init__(self, until: float) -> None:
        self.until = until
        self.took: list[float] = []
        self.statuses: Counter[bytes] = Counter()


async def run(
    port: int, connections: int, seconds: float, paths: list[str], host: str, headers: list[str]
) -> dict[str, object]:
    more = "".join(f"{header}\r\n" for header in headers)
    heads = [f"Host: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\n{more}" for agent in _AGENTS]
    requests = cycle([_request(line, heads[n % len(heads)]) for n, line in enumerate(paths)])
    results = Results(time.perf_counter() + seconds)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Connection(requests, results), "127.0.0.1", port)
        for _ in range(connections)
    ]
    async with asyncio.timeout(seconds + 10):
        await asyncio.gather(*(protocol.done for _, protocol in made))
    elapsed = time.perf_counter() - started
    took = sorted(results.took)
    return {
        "requests": len(took),
        "seconds": elapsed,
        "per_second": len(took) / elapsed,
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[len(took) * 99 // 100] * 1000,
        "statuses": {status.decode(): count for status, count in results.statuses.items()},
    }


def _request(line: str, headers: str) -> bytes:
    if not line.startswith("POST "):
        return f"GET {line} HTTP/1.1\r\n{headers}\r\n".encode()
    _, path, body = line.split(" ", 2)
    data = body.encode()
    head = f"POST {path} HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


if __name__ == "__main__":
    port, connections, seconds, file, host, *headers = sys.argv[1:]
    lines = Path(file).read_text().splitlines()
    print(json.dumps(uvloop.run(run(int(port), int(connections), float(seconds), lines, host, headers))))
