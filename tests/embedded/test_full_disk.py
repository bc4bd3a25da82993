"""The disk is full under everything that an installation writes: what is answered 202 is kept, all else may come again.

On a file system of its own, a small one in memory: only root can have one.
"""

import base64
import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.embedded.installation import Answer, Installation, MailServer, until
from tests.embedded.test_single_mail import SENDER

_LONG = 90.0
_SIZE = 700 << 20
_LARGE = 40_000  # letters: it soon needs more room than the tables have


pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=0711", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def test_on_a_full_disk_nothing_is_promised_that_is_not_kept_and_it_goes_on_when_there_is_room(
    small_disk: Path, mail: MailServer
) -> None:
    environ = {"LOG_LEVEL": "WARNING", **{f"API_LIMIT_{name}": "0" for name in ("PER_KEY", "PER_TENANT", "GLOBAL")}}
    with Installation(small_disk / "site", environ) as site:
        key = _furnish(site, mail.port)
        assert _post(site, key, "before@there.example").status == 202
        until(lambda: mail.of("before@there.example"))

        filler = _fill(small_disk)
        people = [f"user{number}@there.example" for number in range(30)]
        with ThreadPoolExecutor(4) as together:
            answers = dict(zip(people, together.map(lambda person: _post(site, key, person), people), strict=True))
        refused = [answer for answer in answers.values() if answer.status != 202]
        assert refused, "there was room for all of it"
        assert {answer.status for answer in refused} == {503}, [answer.body[:300] for answer in refused]
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)

        filler.unlink()
        until(lambda: _post(site, key, "after@there.example").status == 202, seconds=_LONG)
        promised = {person for person, answer in answers.items() if answer.status == 202}
        until(lambda: {*promised, "after@there.example"} <= {one.recipient for one in mail.taken}, seconds=_LONG)
        until(lambda: site.manage("queue", "status")["waiting"] == [], seconds=_LONG)
        times = Counter(one.recipient for one in mail.taken if one.recipient in people)
        assert set(times.values()) <= {1}
        assert {line["state"] for line in site.manage("queue", "logs", "200")["outcomes"]} == {"sent"}
        assert site.stop() == 0


def _furnish(site: Installation, port: int) -> str:
    """A tenant that can send. Returns its key."""
    host = ("--host", "127.0.0.1", "--port", str(port), "--tls", "none")
    site.manage("create_tenant", "acme", "--name", "Acme", "--host", "acme.localhost", "--plan", "pro")
    site.manage("create_provider", "--tenant", "acme", "--name", "Relay", *host)
    site.manage("create_sending_domain", "acme.example", "--tenant", "acme")
    return str(site.manage("create_api_key", "--tenant", "acme", "--name", "shop")["key"])


def _post(site: Installation, key: str, to: str) -> Answer:
    """A message that cannot be compressed."""
    text = base64.b64encode(random.Random(to).randbytes(_LARGE * 3 // 4)).decode()
    body = {"from": SENDER, "to": [to], "subject": "Hi", "text_body": text}
    return site.call("POST", "/api/messages", key=key, body=body)


def _fill(disk: Path) -> Path:
    """A file that takes all the room there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler
