"""What all of API v2 has in common."""

from tenants.models import Tenant
from tests.api.v2_cast import caller


def test_an_unknown_path_is_answered_in_json(acme: Tenant) -> None:
    answer = caller(acme).get("nonsense")
    assert answer.status_code == 404
