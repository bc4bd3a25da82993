"""Requests to the outside never reach our own network."""

import pytest

from common.destinations import NoAnswer, UrlRefused, addresses_of, is_public, look_up, read_url
from common.outgoing import Limits, fetch
from tests.common.web_server import Asked, web_server


def public_only(answers: list[str]) -> Limits:
    return Limits(allow_private=False, resolve=lambda host, seconds: answers)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:5432",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]",
        "http://[64:ff9b:1::7f00:1]",
        "http://[2002:7f00:1::]",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "http://[2a00:1450::200:5efe:127.0.0.1]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fc00::1]/",
        "http://[ff02::1]/",
        "http://100.64.0.1",
        "http://10.1.2.3/",
        "http://192.168.0.1/",
        "http://172.16.0.1/",
        "http://169.254.169.254/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://0/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://１２７.0.0.1/",
        "http://user:secret@example.com/",
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1\\@example.com/",
        "http://example.com:25/",
        "http://example.com:6379/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http:///path",
        "http://",
        "http://a b/",
        "http://example.com/\r\nX: y",
        "gopher://example.com/",
        "file:///etc/passwd",
        "ftp://example.com/",
        "//example.com/",
        "javascript:alert(1)",
        "http://example.com/" + "a" * 3000,
    ],
)
def test_a_url_that_leads_inside_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        fetch("GET", url, limits=Limits(allow_private=False, resolve=lambda host, seconds: ["127.0.0.1"]))


@pytest.mark.parametrize(
    "answers",
    [["127.0.0.1"], ["::1"], ["93.184.215.14", "127.0.0.1"], ["2606:2800:21f::1", "::ffff:10.0.0.1"], ["nonsense"]],
)
def test_a_name_is_refused_when_any_of_its_addresses_is_inside(answers: list[str]) -> None:
    with pytest.raises(UrlRefused, match=r"localtest\.me leads to an address that is not public"):
        fetch("GET", "http://localtest.me/", limits=public_only(answers))


def test_a_name_without_an_address_gives_no_answer() -> None:
    with pytest.raises(NoAnswer):
        fetch("GET", "http://example.com/", limits=public_only([]))


def test_the_systems_resolver_finds_this_machine_and_knows_no_invalid_name() -> None:
    assert "127.0.0.1" in look_up("localhost", 5) or "::1" in look_up("localhost", 5)
    with pytest.raises(NoAnswer):
        look_up("nobody.invalid", 5)


def test_a_name_is_resolved_once_so_a_second_answer_leads_nowhere() -> None:
    """The first answer is the one that is connected to, whatever the DNS says a moment later."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    asked: list[str] = []

    def resolve(host: str, seconds: float) -> list[str]:
        asked.append(host)
        return next(answers)

    with web_server(lambda request: request.answer(200, b"here")) as server:
        answer = fetch(
            "GET", f"http://rebinding.example:{server.port}/", limits=Limits(allow_private=True, resolve=resolve)
        )
        assert answer.body == b"here"
        assert server.asked[0].headers["Host"] == f"rebinding.example:{server.port}"
    assert asked == ["rebinding.example"]
    destination = read_url("http://rebinding.example/")
    first = iter([["93.184.215.14"], ["127.0.0.1"]])
    found = addresses_of(destination, seconds=1, allow_private=False, resolve=lambda host, seconds: next(first))
    assert found == ["93.184.215.14"]


def test_a_redirect_inside_is_not_followed() -> None:
    with web_server(lambda request: request.answer(302, Location="http://169.254.169.254/")) as server:
        answer = fetch("GET", server.url, limits=Limits(allow_private=True))
        assert (answer.status, answer.headers["location"]) == (302, "http://169.254.169.254/")
        assert len(server.asked) == 1


def test_private_addresses_are_allowed_by_the_operator_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(request: Asked) -> None:
        request.answer(200, b"inside")

    with web_server(here) as server:
        with pytest.raises(UrlRefused, match="not public"):
            fetch("GET", server.url)
        monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")
        assert fetch("GET", server.url).body == b"inside"
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),
        ("::ffff:93.184.215.14", True),
        ("2002:5db8:d70e::1", True),
        ("2002:a00:1::1", False),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("198.18.0.1", False),
        ("203.0.113.7", False),
        ("240.0.0.1", False),
        ("100.127.255.255", False),
        ("4000::1", False),
    ],
)
def test_addresses_are_public_or_not(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_url_is_read_into_its_parts() -> None:
    found = read_url("https://Bücher.Example:8443/a b?q=ü#part".replace(" ", "%20"))
    assert (found.scheme, found.host, found.port) == ("https", "xn--bcher-kva.example", 8443)
    assert found.target == "/a%20b?q=%C3%BC"
    assert read_url("http://example.com").origin == ("http", "example.com", 80)
