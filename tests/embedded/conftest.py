import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.postgres import Postgres


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory in which initdb has run; the tests use it one after the other."""
    folder = tmp_path_factory.mktemp("data")
    with Postgres(folder, fast_and_unsafe=True):
        pass
    yield folder
    shutil.rmtree(folder)
