"""Where an operator says whether a tenant's single mail is tracked."""

import io
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.test import Client

from common.database import connection
from tenants.members.models import Role, User
from tenants.models import Plan, Tenant
from tenants.scope import hosts


@pytest.fixture
def operator(db: None) -> Iterator[Client]:
    connection.set_schema_to_public()
    hosts.forget()
    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.create(email="operator@example.com", role=Role.OPERATOR))
    yield client
    hosts.forget()


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("options", "tracks"), [((), False), (("--track-single-mail",), True)])
def test_a_new_tenant_is_tracked_only_when_it_is_asked_for(options: tuple[str, ...], tracks: bool) -> None:
    told = ("create_tenant", "initech", "--name", "Initech", "--host", "initech.testserver", *options)
    call_command(*told, stdout=io.StringIO(), stderr=io.StringIO())
    assert Tenant.objects.get(slug="initech").tracks_single_mail is tracks


def test_the_operators_desk_shows_it_and_switches_it_on_and_off(operator: Client, globex: Tenant) -> None:
    url = f"/admin/tenants/tenant/{globex.pk}/change/"
    form = {"name": "Globex", "plan": Plan.objects.get(slug="pro").pk, "is_active": "on", "in_doubt_policy": "leave"}
    assert "Track opens and clicks of single mail" in operator.get(url).content.decode()
    for given, tracks in (({"tracks_single_mail": "on"}, True), ({}, False)):
        assert operator.post(url, {**form, **given}).status_code == 302
        globex.refresh_from_db()
        assert globex.tracks_single_mail is tracks


@pytest.mark.usefixtures("db")
def test_a_tenant_made_by_a_program_of_the_version_before_is_not_tracked() -> None:
    """It names only the columns it knows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.tenants_tenant (schema_name, slug, name, workspace_id, is_active, in_doubt_policy,"
            " brand_domain, sender_name, sender_address, reply_to, created_at)"
            " VALUES ('old', 'old', 'Old', 'ws-old', true, 'leave', '', '', '', '', now()) RETURNING tracks_single_mail"
        )
        assert cursor.fetchone() == (False,)
