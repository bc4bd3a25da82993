"""Row 6 of the threats: no webhook reaches our own network, however its address is spelled or its name resolves."""

from collections.abc import Callable

import pytest

from api.callbacks.models import Delivery, Endpoint
from api.callbacks.sending import Parcel, post
from common.outgoing import Limits
from tenants.models import Tenant
from tests.api.callbacks_cast import SECRET, Receiver, endpoint, news, receiving, status, turn
from tests.api.v2_cast import caller

INSIDE = {
    "loopback": "http://127.0.0.1/",
    "loopback in the short form": "http://127.1/",
    "loopback of IPv6": "http://[::1]/",
    "private 10": "http://10.1.2.3/",
    "private 172": "http://172.16.0.1/",
    "private 192": "http://192.168.0.1/",
    "shared space": "http://100.64.0.1/",
    "link-local": "http://169.254.1.1/",
    "link-local of IPv6": "http://[fe80::1]/",
    "unique local": "http://[fc00::1]/",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "mapped": "http://[::ffff:127.0.0.1]/",
    "mapped in hexadecimal": "http://[::ffff:7f00:1]/",
    "NAT64": "http://[64:ff9b::7f00:1]/",
    "6to4": "http://[2002:7f00:1::]/",
    "decimal": "http://2130706433/",
    "octal": "http://0177.0.0.1/",
    "hexadecimal": "http://0x7f000001/",
    "hexadecimal with dots": "http://0x7f.0.0.1/",
    "nothing": "http://0/",
    "unspecified": "http://0.0.0.0/",
    "multicast": "http://224.0.0.1/",
    "userinfo": "http://hooks.example@127.0.0.1/",
    "user and password": "http://user:secret@hooks.example/",
    "port of a database": "http://hooks.example:5432/",
    "port of mail": "http://hooks.example:25/",
    "gopher": "gopher://hooks.example/",
    "file": "file:///etc/passwd",
    "this machine's name": "http://localhost/",
}


def parcel(url: str) -> Parcel:
    return Parcel(url, "evt_1", b"{}", [SECRET], aegis=False)


@pytest.mark.parametrize("url", INSIDE.values(), ids=INSIDE.keys())
def test_an_endpoint_inside_is_refused_when_it_is_made(acme: Tenant, url: str) -> None:
    answer = caller(acme, scopes=["webhooks"]).post("endpoints", {"url": url})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "url")
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("url", INSIDE.values(), ids=INSIDE.keys())
def test_an_endpoint_inside_is_sent_nothing_however_it_came_here(acme: Tenant, url: str) -> None:
    held = endpoint("https://hooks.example/")
    Endpoint.objects.filter(pk=held.pk).update(url=url)
    news("sent")
    turn()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries, delivery.last_status) == ("waiting", 1, None)
    assert delivery.last_error


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["::ffff:10.0.0.1"], ["93.184.215.14", "169.254.169.254"], ["nonsense"]]
)
def test_a_name_that_leads_inside_is_sent_nothing(answers: list[str]) -> None:
    limits = Limits(allow_private=False, resolve=lambda host, seconds: answers)
    outcome = post(parcel("http://localtest.me/"), limits=limits)
    assert (outcome.taken, outcome.status) == (False, None)
    assert "not public" in outcome.error


def test_a_name_is_resolved_once_and_that_address_is_connected_to() -> None:
    asked: list[str] = []

    def rebinding(port: int) -> Callable[[str, float], list[str]]:
        def resolve(host: str, seconds: float) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

        return resolve

    with receiving(Receiver()) as server:
        limits = Limits(allow_private=True, resolve=rebinding(server.port), cut=True)
        outcome = post(parcel(f"http://rebinding.example:{server.port}/"), limits=limits)
        assert (outcome.status, asked) == (200, ["rebinding.example"])
        assert server.asked[0].headers["Host"] == f"rebinding.example:{server.port}"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_inside_is_not_followed(code: int) -> None:
    inside = Receiver()
    with receiving(inside) as second, receiving(Receiver(answers=[status(code, Location=second.url)])) as first:
        outcome = post(parcel(first.url), limits=Limits(allow_private=True, cut=True))
    assert (outcome.taken, outcome.status, inside.told) == (False, code, [])
    assert "redirects are not followed" in outcome.error


def test_the_operator_may_allow_private_addresses(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    with receiving(receiver) as server:
        held = endpoint("https://hooks.example/")
        Endpoint.objects.filter(pk=held.pk).update(url=server.url)
        news("sent", 1)
        turn()
        assert receiver.told == []
        monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")
        assert caller(acme, scopes=["webhooks"]).post("endpoints", {"url": server.url}).status_code == 201
        news("sent", 2)
        turn()
        assert len(receiver.told) == 2


def test_a_slow_endpoint_is_cut_off_and_tried_again() -> None:
    def drips(asked: object) -> None:
        asked.raw(b"HTTP/1.1 200 OK\r\n")  # type: ignore[attr-defined]
        while True:
            asked.raw(b"X-More: " + b"x" * 10 + b"\r\n")  # type: ignore[attr-defined]

    with receiving(Receiver(answers=[drips])) as server:
        outcome = post(parcel(server.url), limits=Limits(seconds=0.5, allow_private=True, cut=True))
    assert not outcome.taken
    assert outcome.status is None
