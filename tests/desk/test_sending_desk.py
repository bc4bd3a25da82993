"""Providers, sending domains, members."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from common.secrets import unseal
from common.smtpd import Reply, SmtpdSettings, SmtpServer
from deliverability.models import SendingDomain
from outbound.models import ProviderAccount
from tenants.members.models import User
from tests.desk.conftest import provider

PROVIDERS = "/admin/outbound/provideraccount/"
PASSWORD = "seven blue lamps"
FORM = {
    "name": "Relay",
    "host": "smtp.example.com",
    "port": "587",
    "tls": "starttls",
    "verify_tls": "on",
    "connections": "8",
    "is_active": "on",
}

Inside = Callable[[], Any]


def test_a_password_is_stored_encrypted_and_never_shown(owner: Client, inside: Inside) -> None:
    owner.post(f"{PROVIDERS}add/", {**FORM, "username": "acme", "password": PASSWORD, "limit": "300/min"})
    with inside():
        made = ProviderAccount.objects.get()
        assert unseal(made.sealed_password, settings.SECRET_KEY) == PASSWORD
        assert made.rate == 5
    page = owner.get(f"{PROVIDERS}{made.pk}/change/").content.decode()
    assert PASSWORD not in page
    assert made.sealed_password not in page
    assert "5/s" in page
    owner.post(f"{PROVIDERS}{made.pk}/change/", {**FORM, "name": "Other", "username": "acme", "limit": ""})
    with inside():
        made.refresh_from_db()
        assert (made.name, made.rate) == ("Other", 0)
        assert unseal(made.sealed_password, settings.SECRET_KEY) == PASSWORD


def test_a_provider_that_cannot_be_is_refused_at_its_field(owner: Client, inside: Inside) -> None:
    with inside():
        provider()
    for field, value in (("limit", "a lot"), ("connections", "5000"), ("name", "Relay")):
        page = owner.post(f"{PROVIDERS}add/", {**FORM, "name": "New", field: value})
        assert field in page.context["adminform"].form.errors
    with inside():
        assert ProviderAccount.objects.count() == 1


def test_the_last_error_of_a_provider_is_told_on_its_page_and_at_home(owner: Client, inside: Inside) -> None:
    with inside():
        one = provider()
        ProviderAccount.objects.update(last_error="535 5.7.8 wrong <password>")
    for url in ("/admin/", PROVIDERS, f"{PROVIDERS}{one.pk}/change/"):
        assert "535 5.7.8 wrong &lt;password&gt;" in owner.get(url).content.decode()


def test_testing_a_connection_that_nobody_answers_says_so(owner: Client, inside: Inside) -> None:
    with inside():
        one = provider()
        ProviderAccount.objects.update(port=1)
    page = owner.post(f"{PROVIDERS}{one.pk}/test/").content.decode()
    assert "cannot be used as it is set up" in page
    assert "refuses connections" in page
    assert owner.get(f"{PROVIDERS}{one.pk}/test/").status_code == 405


class _Nobody:
    """Takes nothing: nothing is sent by a test of a connection."""

    def accept_sender(self, *_: object) -> Reply:
        raise AssertionError("a mail was begun")

    accept_recipient = deliver = accept_sender


@pytest.fixture
def smtp_port() -> Iterator[int]:
    """A real SMTP server in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = SmtpServer(SmtpdSettings(hostname="mx.example.com"), _Nobody())  # type: ignore[arg-type]
    port = asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    yield port
    asyncio.run_coroutine_threadsafe(server.stop(1), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_testing_a_connection_shows_every_step_with_its_time(owner: Client, inside: Inside, smtp_port: int) -> None:
    with inside():
        one = provider()
        ProviderAccount.objects.update(port=smtp_port)
    page = owner.post(f"{PROVIDERS}{one.pk}/test/").content.decode()
    assert "would take mail" in page
    for step in ("connect", "greeting", "ehlo", "quit"):
        assert f"<td>{step}</td>" in page
    assert " ms</td>" in page


def test_a_sending_domain_shows_the_records_to_publish(owner: Client, inside: Inside) -> None:
    answer = owner.post("/admin/deliverability/sendingdomain/add/", {"name": "News.Acme.example"}, follow=True)
    page = answer.content.decode()
    for words in (
        "ls1._domainkey.news.acme.example",
        "ls2._domainkey.news.acme.example",
        "v=DKIM1",
        "RSA 2048",
        "Ed25519",
    ):
        assert words in page
    with inside():
        domain = SendingDomain.objects.get()
        assert all(key.sealed_private_key not in page for key in domain.keys.all())
    url = f"/admin/deliverability/sendingdomain/{domain.pk}/change/"
    for wrong in ("javascript:alert(1)", "https://t.example.com/path", "t.example.com"):
        assert "tracking_url" in owner.post(url, {"tracking_url": wrong}).context["adminform"].form.errors
    owner.post(url, {"tracking_url": "https://t.acme.example", "bounce_domain": "bounce.acme.example"})
    with inside():
        domain.refresh_from_db()
        assert (domain.tracking_url, domain.bounce_domain) == ("https://t.acme.example", "bounce.acme.example")
    twice = owner.post("/admin/deliverability/sendingdomain/add/", {"name": "news.acme.example"})
    assert "name" in twice.context["adminform"].form.errors


def test_an_owner_adds_changes_and_deactivates_a_member(owner: Client, inside: Inside) -> None:
    weak = owner.post("/admin/members/user/add/", {"email": "m@acme.example", "password": "1", "role": "marketer"})
    assert "password" in weak.context["adminform"].form.errors
    owner.post(
        "/admin/members/user/add/", {"email": "m@acme.example", "password": PASSWORD, "role": "marketer", "name": "Mia"}
    )
    with inside():
        mia = User.objects.get(email="m@acme.example")
        assert (mia.name, mia.role) == ("Mia", "marketer")
        assert mia.check_password(PASSWORD)
    url = f"/admin/members/user/{mia.pk}/change/"
    owner.post(url, {"name": "Mia L", "role": "viewer"})
    with inside():
        mia.refresh_from_db()
        assert (mia.name, mia.role, mia.is_active) == ("Mia L", "viewer", False)
    assert b"operator" not in owner.get(url).content


def test_the_last_owner_cannot_lock_everybody_out(owner: Client, inside: Inside) -> None:
    with inside():
        me = User.objects.get()
    url = f"/admin/members/user/{me.pk}/change/"
    for form, field in (({"role": "viewer", "is_active": "on"}, "role"), ({"role": "owner"}, "is_active")):
        assert field in owner.post(url, form).context["adminform"].form.errors
    with inside():
        me.refresh_from_db()
        assert (me.role, me.is_active) == ("owner", True)
