"""Who gets in where."""

from django.test import Client

from tenants.members.models import User
from tenants.models import Tenant
from tenants.services.creation import create_member, create_operator
from tests.desk.conftest import logged_in

PASSWORD = "seven blue lamps"


def test_a_member_logs_in_with_address_and_password(acme: Tenant) -> None:
    create_member(tenant=acme, email="ana@acme.example", password=PASSWORD)
    client = Client(HTTP_HOST="acme.testserver")
    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")
    wrong = client.post("/admin/login/", {"username": "ana@acme.example", "password": "wrong"})
    assert b"correct" in wrong.content
    answer = client.post(
        "/admin/login/?next=/admin/", {"username": "ana@acme.example", "password": PASSWORD}, follow=True
    )
    assert answer.status_code == 200
    assert b"New campaign" in answer.content


def test_an_operator_logs_in_on_the_public_host(db: None) -> None:
    create_operator(email="ops@example.com", password=PASSWORD)
    client = Client(HTTP_HOST="localhost")
    answer = client.post(
        "/admin/login/?next=/admin/", {"username": "ops@example.com", "password": PASSWORD}, follow=True
    )
    assert b"New tenant" in answer.content


def test_a_member_of_globex_is_a_stranger_at_acmes_desk(acme: Tenant, globex: Tenant, owner: Client) -> None:
    theirs = logged_in(globex, "owner")
    assert theirs.get("/admin/").status_code == 200
    stranger = Client(HTTP_HOST="acme.testserver")
    stranger.cookies = theirs.cookies
    answer = stranger.get("/admin/contacts/contact/")
    assert answer.status_code == 302
    assert "/admin/login/" in answer.headers["Location"]


def test_an_operators_session_opens_no_tenants_desk(acme: Tenant, operator: Client) -> None:
    assert operator.get("/admin/").status_code == 200
    stranger = Client(HTTP_HOST="acme.testserver")
    stranger.cookies = operator.cookies
    assert stranger.get("/admin/").status_code == 302


def test_a_deactivated_member_is_out_at_once(acme: Tenant, marketer: Client, inside) -> None:  # type: ignore[no-untyped-def]
    with inside():
        User.objects.update(is_active=False)
    assert marketer.get("/admin/").status_code == 302


def test_a_form_without_its_token_is_refused(acme: Tenant, owner: Client) -> None:
    strict = Client(HTTP_HOST="acme.testserver", enforce_csrf_checks=True)
    strict.cookies = owner.cookies
    assert strict.post("/admin/contacts/tag/add/", {"name": "x"}).status_code == 403
