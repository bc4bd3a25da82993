"""The mail catcher as a process: mail in by SMTP, out by HTTP."""

import http.client
import json
import re
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.embedded.owners import environ

EVIL = "<script>alert(1)</script>"


@dataclass
class Catcher:
    process: subprocess.Popen[str]
    smtp_port: int
    http_port: int

    def send(self, content: bytes, *recipients: str, sender: str = "ann@acme.example") -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10) as client:
            client.sendmail(sender, recipients or ("bob@acme.example",), content)

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def get(self, path: str) -> str:
        response, body = self.request("GET", path)
        assert response.status == 200, (path, response.status)
        return body.decode()

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Catcher]:
    ports = ["--smtp-port", "0", "--http-port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "embedded.catcher", "--data-dir", str(folder), *ports, *options],
        env=environ(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        smtp_port, http_port = re.findall(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        try:
            yield Catcher(process, int(smtp_port), int(http_port))
        finally:
            process.terminate()
            assert process.wait(60) == 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catcher]:
    options = ["--refuse", "bounce*@*", "--refuse", "*@gone.example", "--defer", "defer*@*"]
    with running(tmp_path_factory.mktemp("catcher"), *options) as catcher:
        yield catcher


@pytest.fixture
def catcher(shared: Catcher) -> Catcher:
    """An empty one."""
    assert shared.request("DELETE", "/api/mails")[0].status == 200
    return shared


def letter(subject: str = "Hello", **parts: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ann Müller <ann@acme.example>"
    message["To"] = "bob@acme.example"
    message["Subject"] = subject
    message.set_content(parts.get("text", "Hello Bob\n"))
    if "html" in parts:
        message.add_alternative(parts["html"], subtype="html")
    return message


def octets(message: EmailMessage) -> bytes:
    return message.as_bytes().replace(b"\n", b"\r\n")


def newest(catcher: Catcher) -> int:
    return int(catcher.json("/api/mails?limit=1")["mails"][0]["id"])


def test_a_mail_is_there_as_soon_as_it_was_accepted_and_exactly_as_it_was_sent(catcher: Catcher) -> None:
    content = octets(letter("Grüße aus Köln", text="Hello Bob\n.a dot\n"))
    catcher.send(content, "bob@acme.example", "Cleo@Acme.Example", sender="bounces@acme.example")
    assert catcher.json("/api/count") == {"count": 1}
    (mail,) = catcher.json("/api/mails")["mails"]
    assert mail["subject"] == "Grüße aus Köln"
    assert mail["from"] == "Ann Müller <ann@acme.example>"
    assert mail["sender"] == "bounces@acme.example"
    assert mail["recipients"] == ["bob@acme.example", "Cleo@Acme.Example"]
    assert mail["size"] == len(content)
    response, raw = catcher.request("GET", f"/api/mails/{mail['id']}/raw")
    assert (raw, response.headers["content-type"]) == (content, "message/rfc822")
    assert catcher.request("GET", f"/mails/{mail['id']}/mail.eml")[1] == content


def test_one_mail_is_told_in_full(catcher: Catcher) -> None:
    message = letter(html='<p><a href="https://a.example/?x=1&amp;y=2">there</a></p>', text="see https://b.example/.\n")
    message["List-Unsubscribe"] = "<https://u.example/1>, <mailto:u@u.example>"
    message.add_attachment(b"\0\1\2", maintype="application", subtype="pdf", filename="März.pdf")
    catcher.send(octets(message))
    mail = catcher.json(f"/api/mails/{newest(catcher)}")
    assert ["To", "bob@acme.example"] in mail["headers"]
    assert mail["text"].strip() == "see https://b.example/."
    assert "there</a>" in mail["html"]
    assert mail["links"] == [
        "https://a.example/?x=1&y=2",
        "https://b.example/",
        "https://u.example/1",
        "mailto:u@u.example",
    ]
    assert mail["attachments"] == [{"filename": "März.pdf", "content_type": "application/pdf", "size": 3}]
    response, body = catcher.request("GET", f"/mails/{mail['id']}/attachments/0")
    assert (body, response.headers["content-type"]) == (b"\0\1\2", "application/octet-stream")
    assert response.headers["content-disposition"].startswith("attachment; ")


def test_the_list_is_filtered_searched_and_paged_newest_first(catcher: Catcher) -> None:
    for n in range(5):
        catcher.send(octets(letter(f"Letter {n} 100%")), f"reader{n}@acme.example", "all@globex.example")

    def subjects(query: str) -> list[str]:
        return [mail["subject"] for mail in catcher.json(f"/api/mails?{query}")["mails"]]

    assert subjects("limit=2") == ["Letter 4 100%", "Letter 3 100%"]
    assert subjects("limit=2&offset=4") == ["Letter 0 100%"]
    assert catcher.json("/api/mails?limit=2")["total"] == 5
    assert subjects("to=READER2@acme.example") == ["Letter 2 100%"]
    assert subjects("to=eader2@acme.example") == []
    assert subjects("to=@globex.example&limit=1") == ["Letter 4 100%"]
    assert subjects("search=letter+reader3") == ["Letter 3 100%"]
    assert len(subjects("search=100%25")) == 5
    assert subjects("search=_etter") == []
    assert catcher.json("/api/count?to=reader1@acme.example") == {"count": 1}
    assert subjects("limit=x&offset=-1") == [f"Letter {n} 100%" for n in (4, 3, 2, 1, 0)]


def test_mails_are_deleted_on_request_only_when_the_request_is_from_here(catcher: Catcher) -> None:
    catcher.send(octets(letter()))
    for method, path in (("DELETE", "/api/mails"), ("POST", "/clear")):
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert catcher.request(method, path, headers)[0].status == 403
    assert catcher.json("/api/count") == {"count": 1}
    _, body = catcher.request("DELETE", "/api/mails")
    assert json.loads(body) == {"deleted": 1}
    assert catcher.json("/api/count") == {"count": 0}
    own = f"http://127.0.0.1:{catcher.http_port}"
    assert catcher.request("POST", "/clear", {"Origin": own, "Sec-Fetch-Site": "same-origin"})[0].status == 303


def test_what_does_not_exist_is_answered_so_for_people_and_programs(catcher: Catcher) -> None:
    for path in ("/mails/999999", "/nothing", "/mails/999999/html", "/api/mails/999999", "/api/nothing"):
        response, body = catcher.request("GET", path)
        assert response.status == 404
        assert response.headers["content-type"].startswith("application/json" if "/api/" in path else "text/html")
        assert body
    response, _ = catcher.request("PUT", "/api/mails")
    assert (response.status, response.headers["allow"]) == (405, "DELETE, GET")
    response, body = catcher.request("HEAD", "/")
    assert (response.status, body) == (200, b"")


def test_nothing_in_a_mail_becomes_part_of_the_page(catcher: Catcher) -> None:
    header = f'From: "{EVIL}" <ann@acme.example>\r\nSubject: {EVIL}\u202e"\'\r\nX-{EVIL}: 1\r\nX-Evil: {EVIL}\r\n'
    catcher.send(f"{header}\r\n{EVIL} javascript:alert(1) https://x.example/{EVIL}".encode(), f'"{EVIL}"@x.example')
    mail_id = newest(catcher)
    pages = ["/", f"/?search={quote(EVIL)}", f"/?to={quote(EVIL)}"]
    pages += [f"/mails/{mail_id}?view={view}" for view in ("text", "links", "headers", "source", quote(EVIL))]
    for path in pages:
        response, body = catcher.request("GET", path)
        assert response.status == 200
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        assert "<script>" not in body.decode()
        assert "\u202e" not in body.decode()
        assert 'href="javascript:' not in body.decode()


def test_an_html_part_is_served_for_a_frame_in_which_nothing_runs(catcher: Catcher) -> None:
    page = (
        '<html><head><title>x</title></head><body><img src="cid:logo"><img src="https://t.example/o.gif"></body></html>'
    )
    message = letter(html=f"{page}{EVIL}")
    html_part = message.get_payload()[1]
    assert isinstance(html_part, EmailMessage)
    html_part.add_related(b"PNG!", "image", "png", cid="<logo>")
    catcher.send(octets(message))
    mail_id = newest(catcher)
    shown = catcher.get(f"/mails/{mail_id}")
    assert f'src="/mails/{mail_id}/html?pictures=0" sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    for query, pictures in (("", "img-src data:;"), ("?pictures=1", "img-src data: http: https:;")):
        response, body = catcher.request("GET", f"/mails/{mail_id}/html{query}")
        policy = response.headers["content-security-policy"]
        assert pictures in policy
        assert "default-src 'none'" in policy
        assert "sandbox allow-popups" in policy
        assert "script" not in policy
        assert b'<head><base target="_blank">' in body
        assert b'src="data:image/png;base64,UE5HIQ=="' in body


def test_recipients_can_be_refused_for_good_or_once(catcher: Catcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=10) as client:
        client.ehlo()
        client.mail("ann@acme.example")
        assert client.rcpt("Bounce-1@acme.example") == (550, b"5.1.1 No such user here")
        assert client.rcpt("bob@gone.example")[0] == 550
        assert client.rcpt("defer-1@acme.example") == (451, b"4.7.1 Not now, please try again")
        assert client.rcpt("Defer-1@acme.example")[0] == 250
        assert client.rcpt("defer-2@acme.example")[0] == 451
        assert client.rcpt("bob@acme.example")[0] == 250


def test_many_clients_at_once_are_all_served(catcher: Catcher) -> None:
    clients = [socket.create_connection(("127.0.0.1", catcher.smtp_port), timeout=10) for _ in range(50)]
    lines = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<bob@acme.example>\r\nDATA\r\n"
    for client in clients:
        client.sendall(lines)
    for client in clients:
        _read_until(client, b"354 ")
        client.sendall(b"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
    for client in clients:
        assert b"250 2.0.0 Caught" in _read_until(client, b"221 ")
        client.close()
    assert catcher.json("/api/count") == {"count": 50}


def test_mails_survive_a_restart_and_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    with running(tmp_path, "--keep", "3") as catcher:
        for n in range(4):
            catcher.send(octets(letter(f"Letter {n}")))
    with running(tmp_path, "--keep", "3") as catcher:
        catcher.send(octets(letter("Letter 4")))
        assert [mail["subject"] for mail in catcher.json("/api/mails")["mails"]] == ["Letter 4", "Letter 3", "Letter 2"]
        assert catcher.json("/api/count?to=bob@acme.example") == {"count": 3}


def test_it_ends_at_once_even_while_clients_are_connected(tmp_path: Path) -> None:
    with running(tmp_path) as catcher:
        browser = http.client.HTTPConnection("127.0.0.1", catcher.http_port, timeout=10)
        browser.request("GET", "/")
        browser.getresponse().read()
        with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=10) as client:
            client.ehlo()
            catcher.process.send_signal(signal.SIGINT)
            assert catcher.process.wait(60) == 0
            assert client.noop()[0] == 421
        browser.close()


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for name, other in (("--smtp-port", "--http-port"), ("--http-port", "--smtp-port")):
            done = subprocess.run(
                [sys.executable, "-m", "embedded.catcher", "--data-dir", str(tmp_path), name, port, other, "0"],
                env=environ(),
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 1
            assert done.stderr.startswith("The mail catcher cannot run: ")
            assert done.stderr.count("\n") == 1


def _read_until(client: socket.socket, mark: bytes) -> bytes:
    seen = b""
    while mark not in seen:
        piece = client.recv(65536)
        assert piece, seen
        seen += piece
    return seen
