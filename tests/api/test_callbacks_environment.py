"""A7: WEBHOOK_URL and WEBHOOK_SECRET make an Aegis endpoint for the tenant of API_KEY."""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest

from api.callbacks.endpoints import delete_endpoint, pause_endpoint, secrets_in_use
from api.callbacks.environment import _seen_to, see_to_environment_endpoint
from api.callbacks.models import Endpoint
from common.errors import Conflict
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services.environment_keys import make_environment_keys
from tests.api.callbacks_cast import Receiver, listeners, news, receiving, turn

URL = "https://your-app.example/api/webhooks/email"
SECRET = "your-shared-secret"


@pytest.fixture(autouse=True)
def _each_process_begins_anew() -> Iterator[None]:
    _seen_to.clear()
    yield
    _seen_to.clear()


@pytest.fixture
def environment(settings: Any) -> Any:
    settings.ENVIRONMENT_API_KEYS = {"API_KEY": "your-secret-api-key-here"}
    settings.WEBHOOK_URL, settings.WEBHOOK_SECRET = URL, SECRET
    return settings


def test_a07_the_endpoint_is_made_once_for_the_tenant_of_api_key(
    acme: Tenant, globex: Tenant, environment: Any
) -> None:
    make_environment_keys()
    see_to_environment_endpoint()
    _seen_to.clear()
    see_to_environment_endpoint()
    held = Endpoint.objects.get()
    assert (held.url, held.format, held.state, held.origin) == (URL, "aegis", "active", "environment")
    assert secrets_in_use(held) == [SECRET]
    assert SECRET not in held.sealed_secret
    assert listeners() == {"sent", "delivered", "deferred", "bounced", "failed", "in_doubt", "cancelled", "suppressed"}
    with tenant_scope(globex):
        assert not Endpoint.objects.exists()


def test_a07_nothing_is_made_before_its_tenant_is_there_or_without_the_variable(acme: Tenant, environment: Any) -> None:
    see_to_environment_endpoint()
    assert not Endpoint.objects.exists()
    make_environment_keys()
    environment.WEBHOOK_URL = ""
    see_to_environment_endpoint()
    assert not Endpoint.objects.exists()


def test_a07_without_a_key_in_the_environment_it_is_the_first_tenants(acme: Tenant, environment: Any) -> None:
    environment.ENVIRONMENT_API_KEYS = {}
    see_to_environment_endpoint()
    assert Endpoint.objects.filter(origin="environment").exists()


def test_a07_another_url_or_secret_changes_the_endpoint_and_a_paused_one_stays_paused(
    acme: Tenant, environment: Any
) -> None:
    make_environment_keys()
    see_to_environment_endpoint()
    pause_endpoint(Endpoint.objects.get().pk)
    environment.WEBHOOK_URL, environment.WEBHOOK_SECRET = f"{URL}/2", "another-secret"
    see_to_environment_endpoint()
    held = Endpoint.objects.get()
    assert (held.url, held.state, secrets_in_use(held)) == (f"{URL}/2", "paused", ["another-secret"])
    with pytest.raises(Conflict, match="WEBHOOK_URL"):
        delete_endpoint(held.pk)
    environment.WEBHOOK_URL = ""
    delete_endpoint(held.pk)
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(("url", "secret"), [(URL, ""), ("ftp://x.example/", SECRET), ("http://127.0.0.1/", SECRET)])
def test_a07_what_cannot_be_used_is_logged_and_keeps_nobody_from_working(
    acme: Tenant, environment: Any, caplog: pytest.LogCaptureFixture, url: str, secret: str
) -> None:
    make_environment_keys()
    environment.WEBHOOK_URL, environment.WEBHOOK_SECRET = url, secret
    see_to_environment_endpoint()
    assert not Endpoint.objects.exists()
    assert "WEBHOOK_URL cannot be used" in caplog.text
    assert "shared-secret" not in caplog.text


def test_a07_the_seeds_own_check_of_the_signature_accepts_it(
    acme: Tenant, environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the seed's Express handler has it: HMAC-SHA256 over the raw body with WEBHOOK_SECRET."""
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")
    make_environment_keys()
    with receiving(Receiver()) as server:
        environment.WEBHOOK_URL = f"{server.url}/api/webhooks/email"
        see_to_environment_endpoint()
        news("sent", 5, attempt=1)
        turn()
        [asked] = server.asked
    signature = "sha256=" + hmac.new(SECRET.encode(), asked.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(asked.headers["x-aegis-signature"], signature)
    assert (asked.path, asked.headers["Content-Type"]) == ("/api/webhooks/email", "application/json")
