"""Single messages from the first call to the mailbox and back, in an installation as an operator runs it.

One `manage.py serve` for all tests here, which run in their order: what one leaves behind the next may count.
"""

import base64
import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import getaddresses
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.embedded.installation import Answer, Arrived, Installation, MailServer, until

SENDER = "shop@acme.example"
ORDER = "https://shop.example/orders/7?a=1&b=2"
PAGE = '<p>Look at <a href="https://shop.example/orders/7?a=1&amp;b=2">your order</a></p>'
# What a message of one state is called under Aegis, the relay and the hosting service.
WORDS = {
    "scheduled": ("scheduled", "queued", "scheduled"),
    "deferred": ("deferred", "queued", "deferred"),
    "sent": ("sent", "sent", "sent"),
    "bounced": ("bounced", "failed", "bounced"),
    "cancelled": ("cancelled", "cancelled", "cancelled"),
}


class Receiver(ThreadingHTTPServer):
    """A customer's endpoint for outgoing webhooks."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Notice)
        self.heard: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def of(self, name: str, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.heard if one["type"] == kind and one["data"]["message_id"] == f"msg_{name}"]


class _Notice(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to standard error for each request."""


@dataclass(frozen=True)
class Customer:
    """A tenant, its keys, its mail server and its endpoint for webhooks."""

    site: Installation
    mail: MailServer
    hooks: Receiver
    key: str
    admin: str

    def send(self, door: str, to: str, **more: Any) -> Answer:
        path, body = DOORS[door](to)
        return self.site.call("POST", path, key=self.key, body={**body, **more})

    def sent(self, door: str, to: str, **more: Any) -> str:
        """The id of an accepted message, without its beginning."""
        answer = self.send(door, to, **more)
        assert answer.status == 202, answer.body
        told = answer.json()
        data = told.get("data", {})
        return str(told.get("message_id") or data.get("message_id") or data["id"])[4:]

    def words(self, name: str) -> tuple[str, str, str]:
        """What Aegis (without a key), the relay and the hosting service say of a message."""
        aegis = self.site.call("GET", f"/send/msg_{name}/status")
        relay = self.site.call("GET", f"/api/messages/msg-{name}", key=self.key)
        hosting = self.site.call("GET", f"/api/v1/emails/msg_{name}", key=self.key)
        assert (aegis.status, relay.status, hosting.status) == (200, 200, 200)
        return aegis.json()["status"], relay.json()["data"]["status"], hosting.json()["data"]["status"]

    def follow(self, url: str) -> Answer:
        """As a reader's mail program does, whose resolver leads every host here."""
        parts = urlsplit(url)
        assert parts.port == self.site.port, url
        return self.site.call("GET", parts.path, headers={"Host": parts.netloc, "User-Agent": "Mozilla/5.0"})

    def becomes(self, name: str, state: str) -> None:
        until(lambda: self.words(name) == WORDS[state] or None)

    def figure(self, start: str) -> float:
        """The sum of a figure of /metrics over what its labels tell apart."""
        text = self.site.call("GET", "/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(start))


DOORS: dict[str, Callable[[str], tuple[str, dict[str, Any]]]] = {
    "aegis": lambda to: ("/send", {"to": to, "subject": "Hi", "body": "<p>Hello</p>", "isHtml": True}),
    "gateway": lambda to: ("/api/v1/send", {"to": to, "subject": "Hi", "html_body": "<p>Hello</p>"}),
    "relay": lambda to: ("/api/messages", {"from": SENDER, "to": [to], "subject": "Hi", "html_body": "<p>Hello</p>"}),
    "hosting": lambda to: ("/api/v1/emails", {"from": SENDER, "to": to, "subject": "Hi", "html": "<p>Hello</p>"}),
}


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    hooks = Receiver()
    environ = {"OUTGOING_ALLOW_PRIVATE": "1", "ENGINE_RETRY_SECONDS": "1", "LOG_LEVEL": "WARNING"}
    with MailServer() as mail, Installation(tmp_path_factory.mktemp("site"), environ) as site:
        host = ("--host", "127.0.0.1", "--port", str(mail.port), "--tls", "none", "--connections", "4")
        site.manage("create_tenant", "acme", "--name", "Acme", "--host", "acme.localhost", "--plan", "pro")
        commands = [
            ("create_provider", "--tenant", "acme", "--name", "Relay", *host),
            ("create_sending_domain", "acme.example", "--tenant", "acme"),
            ("create_api_key", "--tenant", "acme", "--name", "shop"),
            ("create_api_key", "--tenant", "acme", "--name", "operator", "--admin"),
        ]
        with ThreadPoolExecutor(4) as together:
            *_, key, admin = together.map(lambda command: site.manage(*command), commands)
        yield Customer(site, mail, hooks, key["key"], admin["key"])
    hooks.shutdown()
    hooks.server_close()


@pytest.fixture(scope="module")
def initech(acme: Customer) -> Customer:
    """Another tenant of the same installation: it wants to know who opens its single mail."""
    site, port = acme.site, str(acme.mail.port)
    site.manage("create_tenant", "initech", "--name", "Initech", "--host", "initech.localhost", "--track-single-mail")
    commands = [
        ("create_provider", "--tenant", "initech", "--name", "Relay", "--host", "127.0.0.1", "--port", port, "--tls", "none"),
        ("create_sending_domain", "initech.example", "--tenant", "initech"),
        ("create_api_key", "--tenant", "initech", "--name", "shop"),
    ]  # fmt: skip
    with ThreadPoolExecutor(3) as together:
        *_, key = together.map(lambda command: site.manage(*command), commands)
    return Customer(site, acme.mail, acme.hooks, key["key"], acme.admin)


@pytest.mark.parametrize("door", DOORS)
def test_a_message_arrives_signed_and_is_followed_through_every_dialect(acme: Customer, door: str) -> None:
    name = acme.sent(door, f"{door}@there.example")
    (arrived,) = until(lambda: acme.mail.of(f"{door}@there.example"))
    assert "d=acme.example" in str(arrived.mail["DKIM-Signature"])
    assert getaddresses([str(arrived.mail["To"])])[0][1] == f"{door}@there.example"
    assert arrived.sender.endswith("@acme.example")
    acme.becomes(name, "sent")


def test_a_scheduled_message_waits_for_its_time(acme: Customer) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
    when = {"send_at": f"{at:%Y-%m-%dT%H:%M:%S}", "timezone": "UTC"}
    name = acme.sent("relay", "later@there.example", scheduling=when)
    assert acme.words(name) == WORDS["scheduled"]
    until(lambda: acme.mail.of("later@there.example"))
    assert datetime.now(UTC) >= at
    acme.becomes(name, "sent")


def test_a_cancelled_message_is_cancelled_everywhere_and_never_sent(acme: Customer) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    name = acme.sent("hosting", "never@there.example", scheduledAt=f"{at:%Y-%m-%dT%H:%M:%SZ}")
    assert acme.site.call("DELETE", f"/api/messages/msg-{name}", key=acme.key).status == 200
    assert acme.words(name) == WORDS["cancelled"]
    assert acme.site.call("DELETE", f"/api/messages/msg-{name}", key=acme.key).status == 409
    assert acme.mail.of("never@there.example") == []


def test_a_refusal_for_now_is_tried_again(acme: Customer) -> None:
    acme.mail.replies["busy@there.example"] = ["451 4.3.0 Come back"]
    name = acme.sent("aegis", "busy@there.example")
    until(lambda: acme.mail.of("busy@there.example"))
    acme.becomes(name, "sent")
    told = acme.site.call("GET", f"/api/v1/emails/msg_{name}", key=acme.key).json()["data"]
    assert [event["event"] for event in told["timeline"]] == ["accepted", "deferred", "sent"]
    assert told["retries"] == 1


def test_a_dead_address_is_mailed_once_and_then_refused_in_each_dialects_words(acme: Customer) -> None:
    acme.mail.replies["dead@there.example"] = ["550 5.1.1 No such user"]
    acme.becomes(acme.sent("gateway", "dead@there.example"), "bounced")
    refused = {door: acme.send(door, "dead@there.example") for door in DOORS}
    assert {door: answer.status for door, answer in refused.items()} == {
        "aegis": 400,
        "gateway": 422,
        "relay": 400,
        "hosting": 403,
    }
    assert refused["aegis"].json()["code"] == "RECIPIENT_SUPPRESSED"
    assert refused["gateway"].json()["detail"][0]["loc"] == ["body", "to"]
    assert refused["relay"].json()["error"]["details"]["reason"] == "recipient_suppressed"
    assert refused["hosting"].json()["error"]["code"] == "RECIPIENT_SUPPRESSED"
    assert acme.mail.of("dead@there.example") == []


def test_copies_do_not_tell_of_blind_ones_and_attachments_arrive_byte_for_byte(acme: Customer) -> None:
    content = bytes(range(256)) * 64
    file = {"filename": "photo.bin", "content": base64.b64encode(content).decode()}
    people = ["to@there.example", "cc@there.example", "blind@there.example"]
    acme.sent("relay", people[0], cc=[people[1]], bcc=[people[2]], attachments=[file])
    for person in people:
        (arrived,) = until(lambda person=person: acme.mail.of(person))  # type: ignore[misc]
        head, _, _ = arrived.raw.partition(b"\r\n\r\n")
        assert b"blind" not in head
        assert b"bcc" not in head.lower()
        assert [part.get_content() for part in arrived.mail.iter_attachments()] == [content]


def test_a02_h16_webhooks_and_timeline_tell_of_a_message_that_is_sent_opened_and_clicked(initech: Customer) -> None:
    made = initech.site.call("POST", "/api/v2/endpoints", key=initech.key, body={"url": _url_of(initech.hooks)})
    assert made.status == 201, made.body
    name = initech.sent("aegis", "reader@there.example", body=PAGE)
    (arrived,) = until(lambda: initech.mail.of("reader@there.example"))
    text, html = _bodies(arrived)
    assert "shop.example" not in text + html
    pixel, link = _found(r'<img src="([^"]+)"', html), _found(r'<a href="([^"]+)"', html)
    assert urlsplit(pixel).hostname == urlsplit(link).hostname == "initech.localhost"
    assert link in text
    (notice,) = until(lambda: initech.hooks.of(name, "message.sent"))
    assert notice["data"]["recipient"] == "reader@there.example"

    shown = initech.follow(pixel)
    assert (shown.status, shown.headers["content-type"]) == (200, "image/gif")
    (notice,) = until(lambda: initech.hooks.of(name, "message.opened"))
    assert (notice["data"]["recipient"], notice["data"]["url"]) == ("reader@there.example", None)
    gone = initech.follow(link)
    assert (gone.status, gone.headers["location"]) == (302, ORDER)
    (notice,) = until(lambda: initech.hooks.of(name, "message.clicked"))
    assert (notice["data"]["recipient"], notice["data"]["url"]) == ("reader@there.example", ORDER)

    told = initech.site.call("GET", f"/api/v1/emails/msg_{name}", key=initech.key).json()["data"]
    assert [event["event"] for event in told["timeline"]] == ["accepted", "sent", "opened", "clicked"]
    assert told["html"] == PAGE
    # No dialect has a status for what its reader does.
    assert initech.words(name) == WORDS["sent"]


@pytest.mark.parametrize("door", DOORS)
def test_a_tenant_that_did_not_ask_for_it_has_no_tracking_in_its_mail(acme: Customer, door: str) -> None:
    field = {"aegis": "body", "hosting": "html"}.get(door, "html_body")
    reader = f"unwatched-{door}@there.example"
    acme.sent(door, reader, **{field: PAGE})
    (arrived,) = until(lambda: acme.mail.of(reader))
    text, html = _bodies(arrived)
    assert html.strip() == PAGE
    assert ORDER in text
    assert "acme.localhost" not in arrived.raw.replace(b"=\r\n", b"").decode()


def test_figures_move_and_the_stream_goes_on(acme: Customer) -> None:
    before = acme.figure("email_sends_total"), acme.figure("http_requests_total")
    acme.becomes(acme.sent("aegis", "counted@there.example"), "sent")
    until(lambda: acme.figure("email_sends_total") >= before[0] + 1)
    assert acme.figure("http_requests_total") >= before[1] + 2
    assert _first_event(acme).startswith(b"event: metrics\ndata: {")


def test_maintenance_is_said_in_every_dialect(acme: Customer) -> None:
    body = {"enabled": True, "message": "We are moving.", "expected_duration_minutes": 5}
    begun = acme.site.call("POST", "/api/admin/maintenance/mode", key=acme.admin, body=body)
    assert begun.status == 200, begun.body
    try:
        for door in DOORS:
            until(lambda door=door: acme.send(door, "moving@there.example").status == 503)  # type: ignore[misc]
    finally:
        ended = acme.site.call("POST", "/api/admin/maintenance/mode", key=acme.admin, body={"enabled": False})
    assert ended.status == 200, ended.body
    until(lambda: acme.send("aegis", "moved@there.example").status == 202)


def test_the_operator_sees_what_went_on_and_nothing_is_in_doubt_at_the_end(acme: Customer) -> None:
    until(lambda: acme.mail.of("moved@there.example"))
    until(lambda: not acme.site.manage("queue", "status")["batches"])
    with ThreadPoolExecutor(3) as together:
        standing, logs, doctor = together.map(
            lambda command: acme.site.manage(*command), [("queue", "status"), ("queue", "logs"), ("doctor",)]
        )
    assert len(standing["senders"]) == 1
    assert standing["waiting"] == standing["batches"] == standing["down"] == []
    states = {line["email"]: line["state"] for line in logs["outcomes"]}
    assert states["busy@there.example"] == "sent"
    assert states["dead@there.example"] == "bounced hard"
    assert "in doubt" not in set(states.values())
    assert doctor["healthy"] is True
    assert acme.site.stop() == 0
    assert [line for line in acme.site.said if "Traceback" in line or '"level": "ERROR"' in line] == []


def _url_of(hooks: Receiver) -> str:
    return f"http://127.0.0.1:{hooks.server_address[1]}/mail"


def _bodies(arrived: Arrived) -> tuple[str, str]:
    """The text and the page of a mail."""
    text, html = arrived.mail.get_body(("plain",)), arrived.mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def _found(pattern: str, page: str) -> str:
    (found,) = re.findall(pattern, page)
    return unescape(found)


def _first_event(acme: Customer) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", acme.site.port, timeout=10)
    try:
        connection.request("GET", "/api/stats/realtime", headers={"Host": "localhost", "X-API-Key": acme.key})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")
        lines = iter(answer.readline, b"event: metrics\n")
        assert all(line in (b"\n", b"retry: 5000\n") for line in lines)
        return b"event: metrics\n" + answer.readline()
    finally:
        connection.close()
