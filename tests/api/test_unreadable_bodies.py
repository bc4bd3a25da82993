"""A call with a good key counts, whatever is wrong with it: whoever sends nonsense uses up limits as all others do."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from django.test import override_settings

from tenants.models import Tenant
from tests.api.clients.cast import Program, make_ready, program
from tests.api.limits_cast import empty_windows

SENDS = ["/send", "/api/v1/send", "/api/messages", "/v1/messages", "/api/v1/emails"]
PATHS = [*SENDS, "/api/v2/tags", "/graphql"]
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
ALL_LIMITS = {
    "API_LIMIT_AEGIS": 5,
    "API_LIMIT_PER_KEY": 5,
    "API_LIMIT_RELAY_SEND": 5,
    "RATE_LIMIT_MAX": 5,
}
UNREADABLE: dict[str, Callable[[Program], Any]] = {
    "no JSON": lambda shop: shop.send(b"{"),
    "half a character of UTF-8": lambda shop: shop.send(b'{"subject": "\xc3'),
    "no number": lambda shop: shop.send(b'{"priority": NaN}'),
    "too deep": lambda shop: shop.send(b"[" * 100_000),
    "another type": lambda shop: shop.send(b"a=1", content_type="text/plain"),
    "packed": lambda shop: shop.send(b"\x1f\x8b\x08\x00", content_encoding="gzip"),
    "too large": lambda shop: shop.send(b"{", content_length="99999999999"),
    "too large, and not of any type": lambda shop: shop.send(b"{", content_length="99999999999", content_type="x"),
}


@pytest.fixture(autouse=True)
def _small_limits(acme: Tenant) -> Iterator[None]:
    make_ready()
    with override_settings(**ALL_LIMITS), empty_windows():
        yield


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", UNREADABLE)
def test_it_is_refused_says_what_is_left_and_is_429_in_the_end(acme: Tenant, path: str, kind: str) -> None:
    shop = program(acme, path)
    answers = [UNREADABLE[kind](shop) for _ in range(6)]
    expected = (413,) if "too large" in kind else (400, 415, 422)
    assert all(answer.status_code in expected for answer in answers[:5])
    assert [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers[:5]] == [4, 3, 2, 1, 0]
    assert all(name in answer.headers for name in HEADERS for answer in answers)
    assert answers[5].status_code == 429
    assert answers[5].headers["Retry-After"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["no JSON", "another type", "too large"])
def test_what_an_admin_sends_counts_for_its_own_key_too(acme: Tenant, path: str, kind: str) -> None:
    admin = program(acme, path, is_admin=True)
    answers = [UNREADABLE[kind](admin) for _ in range(6)]
    assert [answer.status_code == 429 for answer in answers] == [False] * 5 + [True]
    assert [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers] == [4, 3, 2, 1, 0, 0]


@pytest.mark.parametrize("path", PATHS)
def test_a_body_of_unknown_length_counts_when_it_turns_out_to_be_too_large(acme: Tenant, path: str) -> None:
    shop = program(acme, path)
    chunked: dict[str, Any] = {
        "CONTENT_TYPE": "application/json",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": BytesIO(b" " * 50_000_000),
        "wsgi.input_terminated": True,
    }
    answer = shop.client.generic("POST", path, headers={"host": "localhost", "x-api-key": shop.key}, **chunked)
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (413, "4")


@pytest.mark.parametrize("path", PATHS)
def test_another_tenants_name_counts_for_the_callers_own(acme: Tenant, globex: Tenant, path: str) -> None:
    shop = program(acme, path)
    with override_settings(API_LIMIT_PER_TENANT=4, RATE_LIMIT_MAX=0):
        answers = [shop.send({}, x_workspace_id=globex.workspace_id) for _ in range(5)]
        own = program(globex, path).send({})
    assert [answer.status_code for answer in answers] == [403] * 4 + [429]
    assert [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers] == [3, 2, 1, 0, 0]
    assert all(name in answer.headers for name in HEADERS for answer in answers)
    assert own.headers["X-RateLimit-Remaining"] == "3"


def test_a_path_of_another_tenant_counts(acme: Tenant, globex: Tenant) -> None:
    answer = program(acme, "").get(f"/api/v2/tags/{globex.pk}")
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (403, "4")


def test_an_admin_who_names_a_tenant_that_is_not_there_is_counted(acme: Tenant) -> None:
    answer = program(acme, "", is_admin=True).get("/api/v2/tags/999999999")
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (404, "4")


@pytest.mark.parametrize("path", PATHS)
def test_a_key_without_the_right_is_counted(acme: Tenant, path: str) -> None:
    answer = program(acme, path, scopes=["webhooks"]).send({})
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (403, "4")


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_is_too_large_is_said_to_be_so_to_nobody_in_particular(acme: Tenant, path: str) -> None:
    answer = UNREADABLE["too large"](Program(acme, "not a key", path))
    assert answer.status_code == 413
    assert "X-RateLimit-Remaining" not in answer.headers


@pytest.mark.parametrize("path", ["/api/messages", "/api/v1/emails"])
@pytest.mark.parametrize(("workspace", "status"), [(5, 400), ("\0", 403), ("\ud800", 403)])
def test_a_workspace_that_is_no_name_counts_too(acme: Tenant, path: str, workspace: object, status: int) -> None:
    shop = program(acme, path)
    answer = shop.send({"workspace_id": workspace})
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (status, "4")


@pytest.mark.parametrize("path", ["/api/v1/send", "/api/messages", "/api/v1/emails"])
def test_an_admin_hears_what_is_wrong_with_the_body_and_not_which_tenant_is_missing(acme: Tenant, path: str) -> None:
    answer = program(acme, path, is_admin=True).send(b"{")
    assert answer.status_code in (400, 422)
    assert b"tenant" not in answer.content


@pytest.mark.parametrize("path", SENDS)
def test_a_packed_body_is_told_to_be_one(acme: Tenant, path: str) -> None:
    answer = program(acme, path).send(b"\x1f\x8b\x08\x00", content_encoding="gzip")
    assert b"This body is compressed" in answer.content
