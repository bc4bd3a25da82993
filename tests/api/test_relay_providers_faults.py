"""R25 to R27 where the provider fails: PROVIDER_ERROR over HTTP, nothing held while it is waited for, nothing given away."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings

from common.database import conninfo
from common.jsonlog import JsonFormatter
from outbound.provider_apis import asking
from tenants.models import Tenant
from tests.api.live import listening
from tests.api.provider_servers import (
    MAILBOX,
    MAILGUN_KEY,
    Google,
    Mailgun,
    answer,
    google_server,
    key_file,
    mailgun_server,
    pem,
    rsa_key,
)
from tests.api.relay_cast import Relay, refusal, relay
from tests.api.send_cast import Target
from tests.common.web_server import Asked

GMAIL = {"service_account_json": key_file(), "test_email": MAILBOX}
MAILGUN = {"api_key": MAILGUN_KEY, "domain": "mg.example.com"}
CALLS: dict[str, Callable[[Relay], Any]] = {
    "r25": lambda caller: caller.post("providers/gmail/validate", GMAIL),
    "r26": lambda caller: caller.post("providers/mailgun/validate", MAILGUN),
    "r27": lambda caller: caller.get("providers/mailgun/domains"),
}


@pytest.fixture
def google(settings: LazySettings) -> Iterator[Google]:
    with google_server() as server:
        settings.GMAIL_TOKEN_URL = server.url
        yield server


@pytest.fixture
def mailgun(settings: LazySettings) -> Iterator[Mailgun]:
    with mailgun_server("mg.example.com") as server:
        settings.MAILGUN_URL_US = server.url
        yield server


@pytest.fixture
def caller(acme: Tenant, settings: LazySettings) -> Relay:
    settings.MAILGUN_API_KEYS = [f"{acme.workspace_id}:US:{MAILGUN_KEY}"]
    return relay(acme, scopes=["admin"])


def provider_error(response: Any) -> str:
    assert refusal(response)[:2] == (502, "PROVIDER_ERROR")
    return str(response.json()["error"]["message"])


def _redirect(asked: Asked) -> None:
    host = asked.headers["Host"]
    asked.answer(302, b"", Location=f"http://{host}/elsewhere")


FAULTS: dict[str, Callable[[Asked], None]] = {
    "500": lambda asked: answer(asked, 500, {"error": "internal_failure"}),
    "503": lambda asked: asked.answer(503, b"<html>overloaded"),
    "too many calls": lambda asked: answer(asked, 429, {"message": "Too Many Requests"}),
    "a redirect": _redirect,
    "a page in place of JSON": lambda asked: asked.answer(200, b"<html>Hello"),
    "half of the JSON": lambda asked: asked.answer(200, b'{"domain": {'),
    "a list": lambda asked: answer(asked, 200, []),
    "an empty object": lambda asked: answer(asked, 200, {}),
    "null where objects are due": lambda asked: answer(
        asked, 200, {"access_token": None, "domain": None, "items": None}
    ),
    "numbers where objects are due": lambda asked: answer(asked, 200, {"access_token": 1, "domain": 1, "items": [1]}),
    "half a character": lambda asked: asked.answer(
        200, b'{"access_token": "a\\ud800", "domain": {"name": "mg.example.com", "state": "\\ud800"}, "items": []}'
    ),
    "a page that is not there": lambda asked: asked.answer(404, b"Not Found"),
    "a request it does not understand": lambda asked: answer(asked, 400, {"error": "invalid_request"}),
    "nothing": lambda asked: asked.answer(204),
    "no HTTP": lambda asked: asked.raw(b"SSH-2.0-OpenSSH\r\n\r\n"),
    "a bomb": lambda asked: asked.answer(200, b"[" + b" " * asking.LARGEST + b"]"),
    "a packing that was not asked for": lambda asked: asked.answer(200, b"{}", Content_Encoding="br"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_r25_to_r27_a_fault_of_the_provider_is_a_provider_error(
    caller: Relay, google: Google, mailgun: Mailgun, call: str, fault: str
) -> None:
    google.respond = mailgun.respond = FAULTS[fault]
    message = provider_error(CALLS[call](caller))
    assert message.startswith("Google" if call == "r25" else "Mailgun")
    assert "Try again" in message
    assert not any(asked.path == "/elsewhere" for asked in [*google.asked, *mailgun.asked])


@pytest.mark.parametrize("call", CALLS)
def test_r25_to_r27_a_provider_that_says_nothing_is_waited_for_no_longer_than_the_limit(
    caller: Relay, google: Google, mailgun: Mailgun, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asking.SECONDS == 10
    monkeypatch.setattr(asking, "SECONDS", 0.3)
    over = threading.Event()
    google.respond = mailgun.respond = lambda asked: void(over.wait(60))
    try:
        assert "did not answer in time" in provider_error(CALLS[call](caller))
    finally:
        over.set()


@pytest.mark.parametrize("call", CALLS)
def test_r25_to_r27_an_answer_that_trickles_is_cut_off_too(
    caller: Relay, google: Google, mailgun: Mailgun, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SECONDS", 0.3)
    over = threading.Event()

    def trickle(asked: Asked) -> None:
        asked.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not over.wait(0.02):
            asked.raw(b" ")

    google.respond = mailgun.respond = trickle
    try:
        provider_error(CALLS[call](caller))
    finally:
        over.set()


@pytest.mark.parametrize("call", CALLS)
def test_r25_to_r27_a_provider_that_takes_no_connection_is_a_provider_error(
    caller: Relay, settings: LazySettings, call: str
) -> None:
    with closing(socket.socket()) as closed:
        closed.bind(("127.0.0.1", 0))  # it does not listen
        settings.GMAIL_TOKEN_URL = settings.MAILGUN_URL_US = f"http://127.0.0.1:{closed.getsockname()[1]}"
        response = CALLS[call](caller)
    assert "could not be reached" in provider_error(response)
    assert response.headers["Retry-After"]
    assert "127.0.0.1" not in response.content.decode()


@pytest.mark.parametrize("url", ["http://127.0.0.1:25/", "ftp://provider.example/", "provider.example"])
@pytest.mark.parametrize("call", CALLS)
def test_r25_to_r27_an_address_that_the_operator_set_wrongly_is_not_the_callers_fault(
    caller: Relay, settings: LazySettings, call: str, url: str
) -> None:
    settings.GMAIL_TOKEN_URL = settings.MAILGUN_URL_US = url
    assert "operator" in provider_error(CALLS[call](caller))


@pytest.mark.parametrize("call", CALLS)
def test_r25_to_r27_credentials_are_neither_logged_nor_answered(
    caller: Relay, google: Google, mailgun: Mailgun, call: str, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(status: int) -> Callable[[Asked], None]:
        def respond(asked: Asked) -> None:
            given = f"{asked.headers['Authorization']} {MAILGUN_KEY} {asked.body.decode()[-150:]}"
            answer(asked, status, {"error": "access_denied", "error_description": given, "message": given})

        return respond

    kept = [MAILGUN_KEY, MAILGUN_KEY.encode().hex(), "ya29", *pem(rsa_key()).splitlines()[1:-1]]
    with caplog.at_level(logging.DEBUG):
        answered = []
        for status in (200, 400, 401, 403, 500):
            google.respond = mailgun.respond = echo(status)
            answered.append(CALLS[call](caller).content.decode())
        google.respond = mailgun.respond = None
        answered.append(CALLS[call](caller).content.decode())
    assertions = [asked.body.decode().partition("assertion=")[2] for asked in google.asked]
    lines = [JsonFormatter().format(entry) + str(vars(entry)) for entry in caplog.records]
    assert len(lines) >= 6
    for secret in [*kept, *(one[-150:] for one in assertions if one)]:
        assert not any(secret in text for text in [*answered, *lines]), secret


@pytest.fixture
def target(live_tenant: Tenant, settings: LazySettings) -> Iterator[Target]:
    settings.MAILGUN_API_KEYS = [f"{live_tenant.workspace_id}:US:{MAILGUN_KEY}"]
    with listening() as port:
        yield Target(port, relay(live_tenant, scopes=["admin"]).key, live_tenant)


PATHS = {
    "r25": ("POST", "/api/providers/gmail/validate", GMAIL),
    "r26": ("POST", "/api/providers/mailgun/validate", MAILGUN),
    "r27": ("GET", "/api/providers/mailgun/domains", None),
}


def ask(target: Target, call: str, **headers: str) -> Any:
    method, path, given = PATHS[call]
    return target.call(method, path, None if given is None else json.dumps(given), **headers)


@pytest.mark.parametrize("call", PATHS)
def test_r25_to_r27_no_transaction_waits_for_the_provider(
    target: Target, google: Google, mailgun: Mailgun, call: str
) -> None:
    """Also with an Idempotency-Key, with which other calls run in one."""
    open_ones: list[int] = []

    def look(asked: Asked) -> None:
        with psycopg.connect(conninfo(), autocommit=True) as watching:
            (count,) = watching.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in trans%'"
            ).fetchone() or (None,)
        open_ones.append(count)
        asked.answer(503)

    google.respond = mailgun.respond = look
    assert ask(target, call, idempotency_key="once").status == 502
    assert open_ones == [0]


def test_r25_to_r27_waiting_for_a_provider_leaves_threads_for_all_others(target: Target, mailgun: Mailgun) -> None:
    over, waiting = threading.Event(), threading.Semaphore(0)

    def wait(asked: Asked) -> None:
        waiting.release()
        over.wait(60)
        asked.answer(503)

    mailgun.respond = wait
    answers: list[Any] = []
    calls = [threading.Thread(target=lambda: answers.append(ask(target, "r26"))) for _ in range(asking.AT_ONCE)]
    try:
        for call in calls:
            call.start()
        for _ in calls:
            assert waiting.acquire(timeout=60)
        refused = ask(target, "r27")
        assert (refused.status, refused.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert refused.headers["retry-after"]
    finally:
        over.set()
        for call in calls:
            call.join()
    assert [answer.status for answer in answers] == [502] * asking.AT_ONCE
    mailgun.respond = None
    assert ask(target, "r27").status == 200


def void(_: object) -> None:
    """For an answer that never comes."""
