"""The health page looks at the real servers, so it must not stand inside a test's transaction."""

from collections.abc import Iterator

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from tenants.members.models import Role, User


@pytest.fixture
def committed_operator(django_db_setup: None, django_db_blocker) -> Iterator[Client]:  # type: ignore[no-untyped-def]
    with django_db_blocker.unblock():
        connection.set_schema_to_public()
        user = User.objects.create(email="health@example.com", role=Role.OPERATOR)
        client = Client(HTTP_HOST="localhost")
        client.force_login(user)
        try:
            yield client
        finally:
            connection.set_schema_to_public()
            Session.objects.all().delete()
            user.delete()


def test_the_health_page_tells_what_is_wrong_and_what_to_do(committed_operator: Client) -> None:
    answer = committed_operator.get("/admin/tenants/duework/health/")
    checks = answer.context["checks"]
    assert {"database", "redis", "workers", "disk", "tables"} <= {check.name for check in checks}
    page = answer.content.decode()
    assert "No worker answers" in page
    assert "PostgreSQL" in page
    # What is wrong stands first.
    assert [check.ok for check in checks] == sorted(check.ok for check in checks)
