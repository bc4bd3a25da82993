"""R26, R27: a key of Mailgun and its domains, in both regions."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings

from tenants.models import Tenant
from tests.api.provider_servers import MAILGUN_KEY, Mailgun, about, answer, mailgun_server, record
from tests.api.relay_cast import Relay, refusal, relay, told

PATH = "providers/mailgun/validate"
LIST = "providers/mailgun/domains"


@pytest.fixture
def mailgun(settings: LazySettings) -> Iterator[Mailgun]:
    """The US, where mg.example.com is."""
    with mailgun_server("mg.example.com") as server:
        settings.MAILGUN_URL_US = server.url
        yield server


@pytest.fixture
def europe(settings: LazySettings) -> Iterator[Mailgun]:
    with mailgun_server("mg.example.eu") as server:
        settings.MAILGUN_URL_EU = f"{server.url}/"
        yield server


@pytest.fixture
def caller(acme: Tenant) -> Relay:
    return relay(acme, scopes=["admin"])


def body(**changes: Any) -> dict[str, Any]:
    given = {"api_key": MAILGUN_KEY, "domain": "mg.example.com", "region": "US", **changes}
    return {name: value for name, value in given.items() if value is not ...}


def test_r26_a_key_and_a_domain_that_can_send_are_answered_as_printed(caller: Relay, mailgun: Mailgun) -> None:
    assert told(caller.post(PATH, body())) == {
        "valid": True,
        "domain_verified": True,
        "dns_records": {"mx": True, "txt": True, "cname": True},
        "sending_enabled": True,
        "reason": None,
    }


def test_r26_mailgun_is_sent_the_key_as_basic_authorization(caller: Relay, mailgun: Mailgun) -> None:
    told(caller.post(PATH, body()))
    (asked,) = mailgun.asked
    assert (asked.handler.command, asked.path) == ("GET", "/v4/domains/mg.example.com")
    shown = base64.b64encode(f"api:{MAILGUN_KEY}".encode()).decode()
    assert asked.headers["Authorization"] == f"Basic {shown}"


@pytest.mark.parametrize("root", ["/api", "/v1", "/api/v1"])
def test_r26_it_answers_below_each_root(caller: Relay, mailgun: Mailgun, root: str) -> None:
    assert told(caller.post(f"{root}/{PATH}", body()))["valid"] is True


def test_r26_each_region_is_asked_for_its_own(caller: Relay, mailgun: Mailgun, europe: Mailgun) -> None:
    assert told(caller.post(PATH, body(domain="mg.example.eu", region="EU")))["valid"] is True
    assert (len(mailgun.asked), len(europe.asked)) == (0, 1)
    assert told(caller.post(PATH, body(region="us")))["valid"] is True
    assert told(caller.post(PATH, body(region=...)))["valid"] is True
    assert (len(mailgun.asked), len(europe.asked)) == (2, 1)


def test_r26_a_domain_of_the_other_region_is_not_valid_and_says_so(
    caller: Relay, mailgun: Mailgun, europe: Mailgun
) -> None:
    data = told(caller.post(PATH, body(region="EU")))
    assert (data["valid"], data["domain_verified"], data["sending_enabled"]) == (False, False, False)
    assert data["dns_records"] == {"mx": False, "txt": False, "cname": False}
    assert "try the region US" in data["reason"]


def test_r26_a_key_that_mailgun_does_not_accept_is_an_answer(caller: Relay, mailgun: Mailgun) -> None:
    data = told(caller.post(PATH, body(api_key="key-wrong")))
    assert (data["valid"], data["domain_verified"], data["sending_enabled"]) == (False, False, False)
    assert "does not accept the key" in data["reason"]
    assert "key-wrong" not in data["reason"]


@pytest.mark.parametrize("status", [401, 403])
def test_r26_mailguns_words_are_passed_on(caller: Relay, mailgun: Mailgun, status: int) -> None:
    mailgun.respond = lambda asked: answer(asked, status, {"message": "Invalid private key"})
    assert "Invalid private key" in told(caller.post(PATH, body()))["reason"]


def test_r26_records_that_are_missing_in_the_dns_are_told(caller: Relay, mailgun: Mailgun) -> None:
    mailgun.domains["mg.example.com"] = about("mg.example.com", state="unverified")
    mailgun.sending = [record("TXT"), record("TXT", valid="unknown")]
    data = told(caller.post(PATH, body()))
    assert data == {
        "valid": True,
        "domain_verified": False,
        "dns_records": {"mx": True, "txt": False, "cname": False},
        "sending_enabled": False,
        "reason": None,
    }


def test_r26_a_domain_that_is_switched_off_sends_nothing(caller: Relay, mailgun: Mailgun) -> None:
    mailgun.domains["mg.example.com"] = about("mg.example.com", is_disabled=True)
    data = told(caller.post(PATH, body()))
    assert (data["domain_verified"], data["sending_enabled"]) == (True, False)


def test_r26_an_international_domain_is_asked_for_in_ascii(caller: Relay, mailgun: Mailgun) -> None:
    mailgun.domains = {"xn--bcher-kva.example": about("xn--bcher-kva.example")}
    assert told(caller.post(PATH, body(domain="Bücher.example.")))["valid"] is True


BAD = {
    "no key": ({"api_key": ...}, "MISSING_REQUIRED_FIELD", "api_key"),
    "an empty key": ({"api_key": ""}, "MISSING_REQUIRED_FIELD", "api_key"),
    "a number as a key": ({"api_key": 7}, "INVALID_REQUEST", "api_key"),
    "a key of two lines": ({"api_key": "key\r\nHost: x"}, "INVALID_REQUEST", "api_key"),
    "a long key": ({"api_key": "k" * 201}, "INVALID_REQUEST", "api_key"),
    "no domain": ({"domain": ...}, "MISSING_REQUIRED_FIELD", "domain"),
    "a path": ({"domain": "example.com/../../v3/keys"}, "INVALID_REQUEST", "domain"),
    "a host": ({"domain": "evil@example.com"}, "INVALID_REQUEST", "domain"),
    "an address": ({"domain": "127.0.0.1"}, "INVALID_REQUEST", "domain"),
    "a long domain": ({"domain": "a." * 200 + "com"}, "INVALID_REQUEST", "domain"),
    "an unknown region": ({"region": "AP"}, "INVALID_REQUEST", "region"),
    "a URL as a region": ({"region": "http://127.0.0.1/"}, "INVALID_REQUEST", "region"),
    "a list as a region": ({"region": ["US"]}, "INVALID_REQUEST", "region"),
}


@pytest.mark.parametrize("case", BAD)
def test_r26_what_cannot_be_used_is_400_and_mailgun_is_not_asked(caller: Relay, mailgun: Mailgun, case: str) -> None:
    change, code, field = BAD[case]
    assert refusal(caller.post(PATH, body(**change))) == (400, code, field)
    assert mailgun.asked == []


def test_r26_a_body_that_is_no_object_is_400(caller: Relay, mailgun: Mailgun) -> None:
    assert refusal(caller.post(PATH, [body()])) == (400, "INVALID_REQUEST", None)


def test_r26_a_key_without_the_scope_is_refused(acme: Tenant, mailgun: Mailgun) -> None:
    assert refusal(relay(acme).post(PATH, body()))[:2] == (403, "INSUFFICIENT_PERMISSIONS")
    assert mailgun.asked == []


def keep(settings: LazySettings, tenant: Tenant, *, region: str = "US", key: str = MAILGUN_KEY) -> None:
    settings.MAILGUN_API_KEYS = ["ws-of-nobody:US:key-of-nobody", f"{tenant.workspace_id}:{region}:{key}"]


def test_r27_the_domains_of_the_workspaces_account_are_listed_as_printed(
    caller: Relay, mailgun: Mailgun, settings: LazySettings
) -> None:
    keep(settings, caller.tenant)
    assert told(caller.get(LIST)) == {
        "domains": [
            {
                "name": "mg.example.com",
                "state": "active",
                "type": "custom",
                "created_at": "2024-01-01T00:00:00Z",
                "smtp_login": "postmaster@mg.example.com",
                "is_disabled": False,
                "skip_verification": False,
            }
        ]
    }


@pytest.mark.parametrize("root", ["/api", "/v1", "/api/v1"])
def test_r27_it_answers_below_each_root(caller: Relay, mailgun: Mailgun, settings: LazySettings, root: str) -> None:
    keep(settings, caller.tenant)
    assert len(told(caller.get(f"{root}/{LIST}"))["domains"]) == 1


def test_r27_the_accounts_region_is_asked(
    caller: Relay, mailgun: Mailgun, europe: Mailgun, settings: LazySettings
) -> None:
    keep(settings, caller.tenant, region="eu")
    assert [one["name"] for one in told(caller.get(LIST))["domains"]] == ["mg.example.eu"]
    assert mailgun.asked == []


def test_r27_a_long_list_is_read_to_its_end(caller: Relay, mailgun: Mailgun, settings: LazySettings) -> None:
    keep(settings, caller.tenant)
    mailgun.domains = {f"mg{number}.example.com": about(f"mg{number}.example.com") for number in range(201)}
    assert [one["name"] for one in told(caller.get(LIST))["domains"]] == list(mailgun.domains)
    assert [asked.query["skip"] for asked in mailgun.asked] == ["0", "100", "200"]


def test_r27_what_mailgun_leaves_out_is_empty(caller: Relay, mailgun: Mailgun, settings: LazySettings) -> None:
    keep(settings, caller.tenant)
    mailgun.domains = {"mg.example.com": {"name": "mg.example.com", "created_at": "some day"}}
    (one,) = told(caller.get(LIST))["domains"]
    assert (one["created_at"], one["state"], one["is_disabled"]) == (None, "", False)


def test_r27_without_an_account_it_is_404_and_says_what_to_do(caller: Relay, mailgun: Mailgun) -> None:
    response = caller.get(LIST)
    assert refusal(response) == (404, "NOT_FOUND", None)
    assert "MAILGUN_API_KEYS" in response.json()["error"]["details"]["hint"]
    assert mailgun.asked == []


def test_r27_another_workspaces_account_is_not_used(
    acme: Tenant, globex: Tenant, mailgun: Mailgun, settings: LazySettings
) -> None:
    keep(settings, acme)
    stranger = relay(globex, scopes=["admin"])
    assert refusal(stranger.get(LIST))[:2] == (404, "NOT_FOUND")
    assert refusal(stranger.get(f"{LIST}?workspace_id={acme.workspace_id}"))[:2] == (403, "WORKSPACE_ACCESS_DENIED")
    assert mailgun.asked == []
    operator = relay(globex, is_admin=True, scopes=["admin"])
    assert len(told(operator.get(f"{LIST}?workspace_id={acme.workspace_id}"))["domains"]) == 1


@pytest.mark.parametrize("rest", ["", "US", "AP:key", "US:", "US:schlüssel"])
def test_r27_an_account_that_is_set_wrongly_is_the_operators_to_mend(
    caller: Relay, mailgun: Mailgun, settings: LazySettings, rest: str
) -> None:
    settings.MAILGUN_API_KEYS = [f"{caller.tenant.workspace_id}:{rest}"]
    response = caller.get(LIST)
    assert refusal(response)[:2] == (503, "SERVICE_UNAVAILABLE")
    assert "MAILGUN_API_KEYS" in response.json()["error"]["message"]
    assert mailgun.asked == []


def test_r27_a_kept_key_that_mailgun_does_not_accept_is_502(
    caller: Relay, mailgun: Mailgun, settings: LazySettings
) -> None:
    keep(settings, caller.tenant, key="key-of-last-year")
    response = caller.get(LIST)
    assert refusal(response)[:2] == (502, "PROVIDER_ERROR")
    assert "MAILGUN_API_KEYS" in response.json()["error"]["message"]
    assert "Retry-After" not in response.headers
    assert "key-of-last-year" not in response.content.decode()


def test_r27_a_key_without_the_scope_is_refused(acme: Tenant, mailgun: Mailgun) -> None:
    assert refusal(relay(acme).get(LIST))[:2] == (403, "INSUFFICIENT_PERMISSIONS")


def test_r27_a_list_that_does_not_say_how_long_it_is_ends_with_an_empty_page(
    caller: Relay, mailgun: Mailgun, settings: LazySettings
) -> None:
    keep(settings, caller.tenant)
    pages = [[about("a.example.com"), about("b.example.com")], [about("c.example.com")], []]
    mailgun.respond = lambda asked: answer(asked, 200, {"items": pages.pop(0)})
    assert [one["name"][0] for one in told(caller.get(LIST))["domains"]] == ["a", "b", "c"]
