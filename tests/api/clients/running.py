"""Runs a printed client program against a live server: only its address and key are filled in."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection

from tenants.models import Tenant
from tests.api.clients.cast import make_ready, program
from tests.api.live import listening

FOLDER = Path(__file__).parent
_ADDRESSES = ("http://localhost:8000", "http://your-aegis-mailer.com", "https://your-domain.com")
_KEYS = ("your-api-key", "your-key", "test-api-key", "sk_test_default_key_123")


@dataclass(frozen=True)
class Served:
    """A live server, and a key of the tenant that is ready to send there."""

    url: str
    key: str

    def printed(self, name: str) -> str:
        """The program as it was printed, with this server's address and this key."""
        text = (FOLDER / name).read_text()
        for address in _ADDRESSES:
            text = text.replace(address, self.url)
        for key in _KEYS:
            text = text.replace(key, self.key)
        return text


@contextmanager
def served(tenant: Tenant, path: str) -> Iterator[Served]:
    """All of Django on a port. What the program sends is there for the test to look at."""
    make_ready()
    key = program(tenant, path).key
    connection.set_schema_to_public()
    try:
        with listening() as port:
            yield Served(f"http://localhost:{port}", key)
    finally:
        connection.set_tenant(tenant)


def run(*words: str, within: Path, patience: float = 100, **environment: str) -> str:
    """What the program wrote. Fails with all it said when it ended badly; skips where the tool is not installed."""
    tool = shutil.which(words[0])
    if tool is None:
        pytest.skip(f"needs {words[0]}")
    known: Mapping[str, str] = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [tool, *words[1:]],
        cwd=within,
        env={**known, **environment},
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def run_script(text: str, *, within: Path, needs: tuple[str, ...] = ("curl",)) -> str:
    """A shell script's output."""
    for tool in needs:
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    (within / "script.sh").write_text(text)
    return run("bash", "script.sh", within=within)
