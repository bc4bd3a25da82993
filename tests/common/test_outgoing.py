"""One request, one answer, within limits."""

import gzip
import io
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.destinations import NoAnswer
from common.errors import InvalidInput
from common.outgoing import AnswerRefused, Limits, download, fetch
from tests.common.web_server import Asked, WebServer, web_server
from tests.outbound.smtp_certificates import self_signed

HERE = Limits(seconds=10, largest=100_000, allow_private=True)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


def test_a_request_goes_out_as_it_was_given_and_its_answer_comes_back(server: WebServer) -> None:
    server.respond = lambda asked: asked.answer(201, b"made", X_One="1", Content_Type="text/plain")
    answer = fetch("POST", f"{server.url}/a/b?c=d", headers={"X-Given": "yes"}, body=b'{"e": 1}', limits=HERE)
    assert (answer.status, answer.body, answer.headers["x-one"]) == (201, b"made", "1")
    [asked] = server.asked
    assert (asked.path, asked.query, asked.body) == ("/a/b", {"c": "d"}, b'{"e": 1}')
    assert (asked.headers["X-Given"], asked.headers["User-Agent"]) == ("yes", "Lettershop")


@pytest.mark.parametrize("status", [204, 301, 404, 500])
def test_every_status_is_an_answer(server: WebServer, status: int) -> None:
    server.respond = lambda asked: asked.answer(status)
    assert fetch("GET", server.url, limits=HERE).status == status


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET\r\nX: y", {}),
        ("", {}),
        ("GET", {"X\r\nY": "z"}),
        ("GET", {"X": "a\r\nY: z"}),
        ("GET", {"X": "a\0"}),
        ("GET", {"X": "é"}),
    ],
)
def test_nothing_can_be_smuggled_into_the_head(server: WebServer, method: str, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        fetch(method, server.url, headers=headers, limits=HERE)
    assert server.asked == []


def test_a_packed_answer_is_unpacked(server: WebServer) -> None:
    packed = gzip.compress(b"a" * 1000) + gzip.compress(b"b" * 1000)
    server.respond = lambda asked: asked.answer(200, packed, Content_Encoding="gzip")
    assert fetch("GET", server.url, limits=HERE).body == b"a" * 1000 + b"b" * 1000
    server.respond = lambda asked: asked.answer(200, zlib.compress(b"c" * 1000), Content_Encoding="deflate")
    assert fetch("GET", server.url, limits=HERE).body == b"c" * 1000


# Named: a packed body holds the second it was packed in, and would name the test after it.
@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(b"not packed", "gzip", id="not packed"),
        pytest.param(gzip.compress(b"a"), "br", id="brotli"),
        pytest.param(gzip.compress(b"a"), "gzip, gzip", id="packed twice"),
    ],
)
def test_an_answer_in_another_encoding_is_refused(server: WebServer, body: bytes, encoding: str) -> None:
    server.respond = lambda asked: asked.answer(200, body, Content_Encoding=encoding)
    with pytest.raises(AnswerRefused):
        fetch("GET", server.url, limits=HERE)


def test_a_packed_answer_that_is_cut_is_no_answer(server: WebServer) -> None:
    server.respond = lambda asked: asked.answer(200, gzip.compress(b"a" * 1000)[:-12], Content_Encoding="gzip")
    with pytest.raises(NoAnswer):
        fetch("GET", server.url, limits=HERE)


def test_an_answer_that_says_it_is_a_gigabyte_is_not_read(server: WebServer) -> None:
    server.respond = lambda asked: asked.answer(200, b"a", Content_Length=str(1 << 30))
    with pytest.raises(AnswerRefused, match=r"larger than 100,000 bytes"):
        fetch("GET", server.url, limits=HERE)


def test_an_answer_that_never_ends_is_cut_at_the_limit(server: WebServer) -> None:
    sent = 0

    def pour(asked: Asked) -> None:
        nonlocal sent
        asked.raw(b"HTTP/1.0 200 OK\r\n\r\n")
        while sent < 1 << 30:
            asked.raw(b"a" * 65536)
            sent += 65536

    server.respond = pour
    with pytest.raises(AnswerRefused, match="larger"):
        fetch("GET", server.url, limits=HERE)
    assert sent < 1 << 26


def test_a_bomb_is_met_while_it_unfolds(server: WebServer) -> None:
    bomb = gzip.compress(b"\0" * (50 << 20))
    server.respond = lambda asked: asked.answer(200, bomb, Content_Encoding="gzip")
    with pytest.raises(AnswerRefused, match="larger"):
        fetch("GET", server.url, limits=HERE)


def test_a_server_that_sends_a_byte_now_and_then_is_cut_off(server: WebServer) -> None:
    """Each byte would begin a socket's time limit again."""
    gone = threading.Event()

    def drip(asked: Asked) -> None:
        try:
            asked.raw(b"HTTP/1.0 200 OK\r\nX-Long: ")
            while not gone.wait(0.05):
                asked.raw(b"a")
        finally:
            gone.set()

    server.respond = drip
    with pytest.raises(NoAnswer, match=r"within 0\.4 seconds"):
        fetch("GET", server.url, limits=Limits(seconds=0.4, allow_private=True))
    assert gone.wait(10)


def test_a_body_that_drips_is_cut_off_too(server: WebServer) -> None:
    gone = threading.Event()

    def drip(asked: Asked) -> None:
        try:
            asked.raw(b"HTTP/1.0 200 OK\r\n\r\n")
            while not gone.wait(0.05):
                asked.raw(b"a")
        finally:
            gone.set()

    server.respond = drip
    with pytest.raises(NoAnswer, match=r"within 0\.4 seconds"):
        fetch("GET", server.url, limits=Limits(seconds=0.4, allow_private=True))
    assert gone.wait(10)


def test_a_server_that_says_nothing_is_left(server: WebServer) -> None:
    server.respond = lambda asked: time.sleep(2)
    with pytest.raises(NoAnswer, match=r"within 0\.3 seconds"):
        fetch("GET", server.url, limits=Limits(seconds=0.3, allow_private=True))


def test_a_handshake_that_never_comes_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(NoAnswer, match=r"within 0\.3 seconds"):
        fetch("GET", f"https://127.0.0.1:{silent.getsockname()[1]}/", limits=Limits(seconds=0.3, allow_private=True))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
    ],
)
def test_what_is_cut_or_is_no_http_is_no_answer(server: WebServer, said: bytes) -> None:
    server.respond = lambda asked: asked.raw(said)
    with pytest.raises(NoAnswer):
        fetch("GET", server.url, limits=HERE)


def test_a_closed_port_is_no_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer, match="takes no connection"):
            fetch("GET", f"http://127.0.0.1:{free.getsockname()[1]}/", limits=HERE)


def test_the_next_address_is_tried_when_one_takes_no_connection(server: WebServer) -> None:
    server.respond = lambda asked: asked.answer(200, b"second")
    limits = Limits(allow_private=True, resolve=lambda host, seconds: ["127.0.0.9", "127.0.0.1"])
    assert fetch("GET", f"http://two.example:{server.port}/", limits=limits).body == b"second"


def test_a_certificate_is_checked_for_the_name_not_for_the_address(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    with web_server(lambda asked: asked.answer(200, b"sealed"), tls=certificate.context) as server:
        port = server.port
        trusting = Limits(allow_private=True, trust=certificate.ca_file, resolve=lambda host, seconds: ["127.0.0.1"])
        assert fetch("GET", f"https://127.0.0.1:{port}/", limits=trusting).body == b"sealed"
        with pytest.raises(AnswerRefused, match="certificate"):
            fetch("GET", f"https://other.example:{port}/", limits=trusting)
        with pytest.raises(AnswerRefused, match="certificate"):
            fetch("GET", f"https://127.0.0.1:{port}/", limits=HERE)


def test_a_download_goes_into_a_stream(server: WebServer) -> None:
    server.respond = lambda asked: asked.answer(200, b"email\n" * 1000)
    into = io.BytesIO()
    answer = download(f"{server.url}/list.csv", into=into, limits=HERE)
    assert (answer.status, answer.body, into.getvalue()) == (200, b"", b"email\n" * 1000)


def test_proxies_of_the_environment_are_not_used(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.respond = lambda asked: asked.answer(200, b"direct")
    assert fetch("GET", server.url, limits=HERE).body == b"direct"
