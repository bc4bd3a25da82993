"""Secrets at rest."""

import pytest

from common.errors import Refused
from common.secrets import seal, unseal


def test_what_is_sealed_can_be_read_with_the_same_secret_only() -> None:
    sealed = seal("pa55", "installation")
    assert "pa55" not in sealed
    assert unseal(sealed, "installation") == "pa55"
    with pytest.raises(Refused, match="SECRET_KEY"):
        unseal(sealed, "another")


def test_nothing_stays_nothing() -> None:
    assert seal("", "installation") == ""
    assert unseal("", "installation") == ""
