"""Pixel and click: what is answered, what is counted, and that nothing forged leads anywhere."""

import random
from collections.abc import Iterator

import pytest
from django.db import connection

from api.public import PublicDoors
from common.tokens import KeyRing, url_form
from contacts.models import Contact
from outbound.models import Event, Message, Tally
from outbound.states import EventKind
from tenants.models import Host, Tenant
from tests.api.doors import KEYS, RETIRED, Doors, doors_in_thread, wait_until
from tests.outbound.recipients import contact_of, sent_message

LINKS = [
    {"url": "https://shop.example/a?x=1&y=2#top"},
    {
        "url": "https://shop.example/hello/{{ first_name }}?mail={{ email }}&city={{ city|default('nowhere') }}",
        "needs": ["first_name", "email", "city"],
    },
    {"url": "javascript:alert(1)"},
    {"url": "https://good.example@evil.example/"},
    {"url": "https://shop.example/a\r\nSet-Cookie: x=1"},
]


@pytest.fixture
def message(live_tenant: Tenant) -> Message:
    return sent_message(20, links=LINKS)


@pytest.fixture
def served(live_tenant: Tenant) -> Iterator[tuple[Doors, PublicDoors]]:
    with doors_in_thread(live_tenant.get_primary_domain().domain) as served:
        yield served


@pytest.fixture
def doors(served: tuple[Doors, PublicDoors]) -> Doors:
    return served[0]


def token(message: Message, position: int = 3, keys: KeyRing = KEYS, tenant_id: int = 0) -> str:
    return keys.mint(tenant_id or connection.tenant.pk, message.pk, position).decode()


def events() -> list[tuple[int, int, int | None]]:
    return list(Event.objects.order_by("id").values_list("kind", "position", "link"))


def settle(served: tuple[Doors, PublicDoors]) -> None:
    wait_until(lambda: not served[1].recorder.waiting)


def test_an_open_answers_a_pixel_and_is_recorded(served: tuple[Doors, PublicDoors], message: Message) -> None:
    doors, app = served
    reply = doors.ask("GET", f"/o/{token(message)}.gif", User_Agent="Mozilla/5.0 (Test)", X_Request_ID="abc-1")
    assert (reply.status, len(reply.body), reply.body[:6], reply.headers["content-type"]) == (
        200,
        43,
        b"GIF89a",
        "image/gif",
    )
    assert "no-store" in reply.headers["cache-control"]
    assert "set-cookie" not in reply.headers
    assert reply.headers["x-request-id"] == "abc-1"
    settle(served)
    event = Event.objects.get()
    assert (event.kind, event.message_id, event.position, event.ip, event.agent) == (
        EventKind.OPEN,
        message.pk,
        3,
        "127.0.0.1",
        "Mozilla/5.0 (Test)",
    )
    assert (app.recorder.counters.recorded, app.recorder.counters.dropped) == (1, 0)


def test_a_click_leads_to_the_link_of_that_number_and_is_recorded(
    served: tuple[Doors, PublicDoors], message: Message
) -> None:
    reply = served[0].ask("GET", f"/c/{token(message)}/0")
    assert (reply.status, reply.headers["location"], reply.body) == (302, "https://shop.example/a?x=1&y=2#top", b"")
    assert "no-store" in reply.headers["cache-control"]
    settle(served)
    assert events() == [(EventKind.CLICK, 3, 0)]


def test_the_fields_of_a_link_come_from_the_contact_percent_encoded(doors: Doors, message: Message) -> None:
    ana = contact_of(message, 3)
    Contact.objects.filter(pk=ana.pk).update(first_name="Añ/a @evil.example?&\r\n", attributes={"city": "São Paulo"})
    location = doors.ask("GET", f"/c/{token(message)}/1").headers["location"]
    assert location.startswith("https://shop.example/hello/A%C3%B1%2Fa%20%40evil.example%3F%26")
    assert location.endswith("?mail=p3%40example.com&city=S%C3%A3o%20Paulo")
    assert doors.ask("GET", f"/c/{token(message, 4)}/1").headers["location"].endswith("&city=nowhere")


def test_a_link_with_fields_still_leads_on_when_its_contact_was_erased(doors: Doors, message: Message) -> None:
    contact_of(message, 3).delete()
    assert (
        doors.ask("GET", f"/c/{token(message)}/1").headers["location"]
        == "https://shop.example/hello/?mail=&city=nowhere"
    )


def test_head_is_answered_and_counts_nothing(served: tuple[Doors, PublicDoors], message: Message) -> None:
    doors = served[0]
    pixel, click = doors.ask("HEAD", f"/o/{token(message)}.gif"), doors.ask("HEAD", f"/c/{token(message)}/0")
    assert (pixel.status, pixel.headers["content-length"], pixel.body) == (200, "43", b"")
    assert (click.status, click.headers["location"]) == (302, LINKS[0]["url"])
    doors.ask("GET", f"/o/{token(message, 5)}.gif")
    settle(served)
    assert events() == [(EventKind.OPEN, 5, None)]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused_with_what_is_allowed(doors: Doors, message: Message, method: str) -> None:
    for path in (f"/o/{token(message)}.gif", f"/c/{token(message)}/0"):
        reply = doors.ask(method, path)
        assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert doors.ask("OPTIONS", f"/c/{token(message)}/0").status == 204


def refused(doors: Doors, path: str, **options: str) -> bool:
    reply = doors.ask("GET", path, **options)
    return reply.status == 404 and "location" not in reply.headers


def test_a_token_with_any_bit_changed_leads_nowhere(served: tuple[Doors, PublicDoors], message: Message) -> None:
    doors = served[0]
    mint = KEYS.minter(connection.tenant.pk, message.pk)
    raw = int.from_bytes(mint(3), "big")
    for bit in range(192):
        changed = url_form((raw ^ 1 << bit).to_bytes(24, "big")).decode()
        assert refused(doors, f"/c/{changed}/0"), bit
    for path in ("o/{}.gif", "u/{}"):
        for bit in random.sample(range(192), 20):
            assert refused(doors, "/" + path.format(url_form((raw ^ 1 << bit).to_bytes(24, "big")).decode()))
    settle(served)
    assert events() == []


def test_the_neighbours_number_under_my_signature_leads_nowhere(doors: Doors, message: Message) -> None:
    mine = KEYS.minter(connection.tenant.pk, message.pk)(3)
    for place, size in ((1, 4), (5, 5), (10, 4)):  # tenant, message, position
        number = int.from_bytes(mine[place : place + size], "big") + 1
        forged = mine[:place] + number.to_bytes(size, "big") + mine[place + size :]
        assert refused(doors, f"/c/{url_form(forged).decode()}/0")


def test_a_retired_key_and_nonsense_lead_nowhere(doors: Doors, message: Message) -> None:
    assert refused(doors, f"/c/{token(message, keys=RETIRED)}/0")
    good = token(message)
    for path in (
        "/c/",
        "/c//",
        "/c/x/0",
        f"/c/{good}",
        f"/c/{good}/",
        f"/c/{good}/99",
        f"/c/{good}/-1",
        f"/c/{good}/0x",
        f"/c/{good}/00000000",
        f"/c/{good}0/0",
        f"/c/{good}/%D9%A1",
        f"/c/{good[:-1]}/0",
        f"/c/{good}=/0",
        "/o/",
        f"/o/{good}",
        f"/o/{good}.png",
        "/c/" + "A" * 5000 + "/0",
        f"/c/{good}/0/extra",
        "/u/",
        f"/u/{good}x",
    ):
        assert refused(doors, path), path


def test_a_token_says_nothing_about_the_recipient(message: Message) -> None:
    assert "example" not in token(message)
    assert token(message, 3)[:10] == token(message, 4)[:10]


def test_the_token_of_one_tenant_on_the_host_of_another_is_not_found(
    served: tuple[Doors, PublicDoors], message: Message, live_tenant: Tenant
) -> None:
    doors, foreign = served[0], "globex.testserver"
    for path in (f"/o/{token(message)}.gif", f"/c/{token(message)}/0", f"/u/{token(message)}"):
        assert refused(doors, path, host=foreign)
        assert refused(doors, path, host=f"{foreign.upper()}:8000")
        assert refused(doors, path, host=foreign, X_Forwarded_Host=doors.host, X_Postal_Track_Host="1")
    assert doors.ask("POST", f"/u/{token(message)}", host=foreign, body=b"List-Unsubscribe=One-Click").status == 404
    settle(served)
    assert events() == []
    assert not Contact.objects.exclude(status="active").exists()


@pytest.mark.parametrize("host", ["t.tracking.example", "localhost", "127.0.0.1:8000", "[::1]:8000", ""])
def test_any_host_that_is_nobody_elses_will_do(doors: Doors, message: Message, host: str) -> None:
    assert doors.ask("GET", f"/c/{token(message)}/0", host=host).status == 302


def test_a_token_of_a_tenant_or_message_that_is_not_there_leads_nowhere(doors: Doors, message: Message) -> None:
    assert refused(doors, f"/c/{token(message, tenant_id=10**6)}/0")
    public = Tenant.objects.get(schema_name="public")
    with pytest.raises(ValueError, match="does not fit"):  # the installation's own rows cannot even be named
        token(message, tenant_id=public.pk)
    message.pk += 1000
    assert refused(doors, f"/c/{token(message)}/0")


def test_an_unsafe_target_in_the_table_is_never_followed(doors: Doors, message: Message) -> None:
    for number in (2, 3, 4):
        assert refused(doors, f"/c/{token(message)}/{number}")


def test_parameters_of_the_address_never_decide_where_it_leads(doors: Doors, message: Message) -> None:
    for extra in ("?u=https://evil.example", "?url=//evil.example", "?next=javascript:alert(1)", "?0=data:text/html,x"):
        assert doors.ask("GET", f"/c/{token(message)}/0{extra}").headers["location"] == LINKS[0]["url"]


def test_what_a_client_says_about_itself_is_made_harmless(served: tuple[Doors, PublicDoors], message: Message) -> None:
    served[0].ask(
        "GET",
        f"/o/{token(message)}.gif",
        User_Agent="a\x9b2J<script>\xe2\x80\xaegpj " + "x" * 900,
        X_Forwarded_For="1.2.3.4",
    )
    settle(served)
    event = Event.objects.get()
    assert event.agent is not None
    assert (len(event.agent), event.ip) == (300, "127.0.0.1")
    assert all(char.isprintable() for char in event.agent)


def test_behind_our_proxy_the_last_forwarded_address_is_the_clients(live_tenant: Tenant, message: Message) -> None:
    with doors_in_thread(live_tenant.get_primary_domain().domain, behind_proxy=True) as served:
        served[0].ask("GET", f"/o/{token(message)}.gif", X_Forwarded_For="6.6.6.6, 2001:db8::7")
        served[0].ask("GET", f"/o/{token(message)}.gif", X_Forwarded_For="<script>")
        settle(served)
    assert [event.ip for event in Event.objects.order_by("id")] == ["2001:db8::7", None]


def test_an_insane_request_id_is_replaced(doors: Doors, message: Message) -> None:
    for given in ("a b", "x" * 200, "<script>"):
        assert "x-request-id" not in doors.ask("GET", f"/o/{token(message)}.gif", X_Request_ID=given).headers
        assert doors.ask("GET", f"/u/{token(message)}", X_Request_ID=given).headers["x-request-id"].isalnum()
        assert doors.ask("GET", "/webhook/pixel", X_Request_ID=given).headers["x-request-id"].isalnum()


def test_opens_clicks_and_uniques_add_up(served: tuple[Doors, PublicDoors], message: Message) -> None:
    for position in range(10):
        for _ in range(3):
            served[0].ask("GET", f"/o/{token(message, position)}.gif")
        served[0].ask("GET", f"/c/{token(message, position)}/0")
    settle(served)
    assert list(Tally.objects.order_by("kind", "link").values_list("kind", "link", "count", "uniques")) == [
        (EventKind.OPEN, -1, 30, 10),
        (EventKind.CLICK, -1, 10, 10),
        (EventKind.CLICK, 0, 10, 10),
    ]


def test_a_host_that_is_given_to_another_tenant_is_refused_within_seconds(doors: Doors, message: Message) -> None:
    globex = Tenant.objects.get(slug="globex")
    host = Host.objects.create(domain=f"t{message.pk}.globex.example", tenant=globex)
    try:
        assert refused(doors, f"/c/{token(message)}/0", host=host.domain)
    finally:
        host.delete()


def test_the_doors_know_their_own_paths(served: tuple[Doors, PublicDoors]) -> None:
    app = served[1]
    assert all(
        map(app.matches, ("/o/x.gif", "/c/x/1", "/u/x", "/webhook/pixel", "/webhook/click/", "/webhook/unsubscribe"))
    )
    assert not any(
        map(app.matches, ("/", "/admin/", "/o", "/contacts/", "/webhook/mandrill", "/webhook/pixels", "/uploads/"))
    )
