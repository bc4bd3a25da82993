"""Unsubscribing: only a POST does it, at once and for good; nobody else's signature does."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from django.db import connection

from api.public import PublicDoors, click_url, pixel_url, unsubscribe_url
from contacts.models import Suppression
from outbound.models import Engagement, Event, Message, Tally
from outbound.states import EventKind
from tenants.models import Tenant
from tests.api.doors import KEYS, SIGNER, Doors, doors_in_thread, wait_until
from tests.outbound.recipients import contact_of, sent_message

ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--b0\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b0--\r\n'
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def message(live_tenant: Tenant) -> Iterator[Message]:
    Tenant.objects.filter(pk=live_tenant.pk).update(name="Nuts & <b>Bolts</b>")
    yield sent_message(5, links=[{"url": "https://shop.example/a"}])
    Tenant.objects.filter(pk=live_tenant.pk).update(name="Live", is_active=True)


@pytest.fixture
def served(live_tenant: Tenant, message: Message) -> Iterator[tuple[Doors, PublicDoors]]:
    with doors_in_thread(live_tenant.get_primary_domain().domain) as served:
        yield served


@pytest.fixture
def doors(served: tuple[Doors, PublicDoors]) -> Doors:
    return served[0]


def address(message: Message, position: int = 2) -> str:
    return f"/u/{KEYS.mint(connection.tenant.pk, message.pk, position).decode()}"


def signed(url: str) -> str:
    return url.removeprefix("https://x")


def status(message: Message, position: int = 2) -> str:
    return contact_of(message, position).status


def test_reading_the_page_changes_nothing_however_often(doors: Doors, message: Message) -> None:
    for _ in range(34):
        assert doors.ask("GET", address(message)).status == 200
        assert doors.ask("HEAD", address(message)).status == 200
        assert doors.ask("OPTIONS", address(message)).status == 204
    assert status(message) == "active"
    assert not Event.objects.exists()


def test_the_page_shows_a_button_and_the_senders_name_and_nothing_from_outside(doors: Doors, message: Message) -> None:
    reply = doors.ask("GET", address(message))
    assert '<form method="post">' in reply.text
    assert "Nuts &amp; &lt;b&gt;Bolts&lt;/b&gt;" in reply.text
    assert "<b>" not in reply.text
    assert "http" not in reply.text.replace("http-equiv", "")
    assert "src=" not in reply.text
    assert "<script" not in reply.text
    assert "example.com" not in reply.text
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, FORM),
        (b"", FORM),
        (b"", ""),
        (MULTIPART, 'multipart/form-data; boundary="b0"'),
        (MULTIPART, "multipart/form-data; boundary=b0"),
    ],
)
def test_one_click_unsubscribes_before_it_is_confirmed(
    doors: Doors, message: Message, body: bytes, content_type: str
) -> None:
    reply = doors.ask("POST", address(message), body=body, Content_Type=content_type)
    assert (reply.status, "location" in reply.headers, "set-cookie" in reply.headers) == (200, False, False)
    assert status(message) == "unsubscribed"
    entry = Suppression.objects.get()
    assert (entry.email_key, entry.reason, entry.origin) == ("p2@example.com", "unsubscribed", f"message {message.pk}")
    assert Engagement.objects.get().unsubscribed_at is not None
    assert [status(message, position) for position in (0, 1, 3, 4)] == ["active"] * 4
    assert "Unsubscribed Successfully" in reply.text


def test_unsubscribing_again_is_confirmed_again_and_counted_once(doors: Doors, message: Message) -> None:
    for _ in range(3):
        assert doors.ask("POST", address(message), body=ONE_CLICK, Content_Type=FORM).status == 200
    tally = Tally.objects.get(kind=EventKind.UNSUBSCRIBE)
    assert (tally.count, tally.uniques, Suppression.objects.count(), Event.objects.count()) == (1, 1, 1, 1)


def test_a_wrong_token_is_not_found_and_unsubscribes_nobody(doors: Doors, message: Message) -> None:
    good = address(message)
    for wrong in (good[:-1] + ("A" if good[-1] != "A" else "B"), good + "x", "/u/", "/u/" + "A" * 32):
        reply = doors.ask("POST", wrong, body=ONE_CLICK, Content_Type=FORM)
        assert (reply.status, "location" in reply.headers) == (404, False)
        assert "<form" not in reply.text
    assert not Suppression.objects.exists()


def test_a_body_that_is_too_long_or_broken_is_refused(doors: Doors, message: Message) -> None:
    assert doors.ask("POST", address(message), body=b"a=" + b"x" * 20_000, Content_Type=FORM).status == 400
    assert (
        doors.ask("POST", address(message), body=b"&".join(b"a%d=1" % n for n in range(60)), Content_Type=FORM).status
        == 400
    )
    assert (
        doors.ask("POST", address(message), body=MULTIPART[:60], Content_Type="multipart/form-data; boundary=b0").status
        == 400
    )
    assert status(message) == "active"


def test_a_trailing_slash_makes_no_difference(doors: Doors, message: Message) -> None:
    assert doors.ask("POST", address(message) + "/", body=ONE_CLICK).status == 200
    assert status(message) == "unsubscribed"


def test_a_deactivated_tenants_recipients_can_still_unsubscribe(
    doors: Doors, message: Message, live_tenant: Tenant
) -> None:
    Tenant.objects.filter(pk=live_tenant.pk).update(is_active=False)
    assert doors.ask("POST", address(message), body=ONE_CLICK).status == 200
    assert status(message) == "unsubscribed"


def test_a_link_whose_rows_were_dropped_still_unsubscribes_and_one_whose_message_is_gone_says_so(
    doors: Doors, message: Message
) -> None:
    Message.objects.filter(pk=message.pk).update(month="2019-01-01")
    assert doors.ask("POST", address(message), body=ONE_CLICK).status == 200
    assert status(message) == "unsubscribed"
    gone = address(message)
    message.delete()
    assert doors.ask("POST", gone, body=ONE_CLICK).status == 404


# --- R18: the relay's forms with readable parameters


def test_r18_pixel_counts_with_its_signature_only(served: tuple[Doors, PublicDoors], message: Message) -> None:
    doors = served[0]
    good = signed(
        pixel_url(SIGNER, base="https://x", tenant_id=connection.tenant.pk, message_id=message.pk, position=1)
    )
    assert good.startswith(f"/webhook/pixel?mid=msg-{message.pk}&rid=1&sig=")
    for bad in (
        good[:-1] + "!",
        good.replace("rid=1", "rid=2"),
        good.partition("&sig")[0],
        good + "&rid=2",
        good.replace("msg-", "msg-1"),
    ):
        assert doors.ask("GET", bad).status in (400, 404)
    reply = doors.ask("GET", good)
    assert (reply.status, len(reply.body), reply.headers["content-type"]) == (200, 43, "image/gif")
    wait_until(lambda: not served[1].recorder.waiting)
    assert list(Event.objects.values_list("kind", "message_id", "position")) == [(EventKind.OPEN, message.pk, 1)]


def test_r18_click_redirects_with_its_signature_only(served: tuple[Doors, PublicDoors], message: Message) -> None:
    doors = served[0]
    made = {"base": "https://x", "tenant_id": connection.tenant.pk, "message_id": message.pk, "position": 1}
    good = signed(click_url(SIGNER, url="https://shop.example/a", **made))
    other = signed(click_url(SIGNER, url="https://else.example/ü?a=b&c", **made))
    assert doors.ask("GET", good).headers["location"] == "https://shop.example/a"
    assert doors.ask("GET", other + "&utm_source=x").headers["location"] == "https://else.example/%C3%BC?a=b&c"
    for bad in (
        good.replace("shop", "evil"),
        good + "&url=https://evil.example",
        good.replace("&sig=", "&sig=A"),
        good.partition("&sig")[0],
        f"/webhook/click?mid=msg-{message.pk}&rid=1&url=https%3A%2F%2Fevil.example",
        good.replace("/click", "/pixel"),
    ):
        reply = doors.ask("GET", bad)
        assert reply.status in (200, 400, 404)
        assert "location" not in reply.headers
    wait_until(lambda: not served[1].recorder.waiting)
    assert list(Event.objects.order_by("id").values_list("kind", "link")) == [
        (EventKind.CLICK, 0),
        (EventKind.CLICK, None),
    ]


def test_r18_click_never_redirects_to_what_is_no_web_page_even_when_signed(doors: Doors, message: Message) -> None:
    for url in (
        "javascript:alert(1)",
        "//evil.example",
        "data:text/html,x",
        "http://user@evil.example/",
        "https://a\r\nX: y",
        "ftp://x",
    ):
        fields = {"mid": f"msg-{message.pk}", "rid": "1", "url": url}
        query = urlencode({**fields, "sig": SIGNER.sign("click", connection.tenant.pk, fields)})
        reply = doors.ask("GET", f"/webhook/click?{query}")
        assert (reply.status, "location" in reply.headers) == (404, False), url


def test_r18_unsubscribe_takes_the_form_of_the_document_with_a_signature(doors: Doors, message: Message) -> None:
    form = {"email": "P2@example.com", "campaign_id": "camp-123"}
    signature = SIGNER.sign("unsubscribe", connection.tenant.pk, form)
    body = f"email=P2%40example.com&campaign_id=camp-123&reason=not_interested&sig={signature}".encode()
    for bad in (
        body[:-1] + b"!",
        body.replace(b"P2", b"p3"),
        body.partition(b"&sig")[0],
        body.replace(b"camp-123", b"camp-124"),
        b"",
        body + b"&email=a@b.c",
        body + b"&mid=msg-1&rid=1",
    ):
        assert doors.ask("POST", "/webhook/unsubscribe", body=bad, Content_Type=FORM).status in (400, 404)
    assert not Suppression.objects.exists()
    reply = doors.ask("POST", "/webhook/unsubscribe", body=body, Content_Type=FORM)
    assert reply.status == 200
    assert "<h1>Unsubscribed Successfully</h1>" in reply.text
    assert "<p>You have been unsubscribed from our mailing list.</p>" in reply.text
    entry = Suppression.objects.get()
    assert (entry.email_key, entry.note, entry.origin) == (
        "p2@example.com",
        "not_interested",
        "unsubscribe form, campaign camp-123",
    )
    assert status(message) == "unsubscribed"


def test_r18_unsubscribe_shows_a_page_and_takes_one_click(doors: Doors, message: Message) -> None:
    url = signed(
        unsubscribe_url(
            SIGNER,
            base="https://x",
            tenant_id=connection.tenant.pk,
            email="p2@example.com",
            campaign_id="camp-1",
            message_id=message.pk,
            position=2,
        )
    )
    assert '<form method="post">' in doors.ask("GET", url).text
    assert status(message) == "active"
    for _ in range(2):
        assert doors.ask("POST", url, body=ONE_CLICK, Content_Type=FORM).status == 200
    assert status(message) == "unsubscribed"
    assert list(Event.objects.values_list("kind", "position")) == [(EventKind.UNSUBSCRIBE, 2)]
    assert Suppression.objects.count() == 1


def test_r18_unsubscribe_works_when_the_message_is_gone(doors: Doors, message: Message) -> None:
    made = {"base": "https://x", "tenant_id": connection.tenant.pk, "email": "p2@example.com", "campaign_id": "1"}
    url = signed(unsubscribe_url(SIGNER, **made, message_id=message.pk + 999, position=2))
    assert doors.ask("POST", url, body=ONE_CLICK, Content_Type=FORM).status == 200
    assert status(message) == "unsubscribed"


def test_r18_another_tenants_host_or_id_is_not_found(doors: Doors, message: Message) -> None:
    good = pixel_url(SIGNER, base="https://x", tenant_id=connection.tenant.pk, message_id=message.pk, position=1)
    assert doors.ask("GET", signed(good), host="globex.testserver").status == 404
    globex = Tenant.objects.get(slug="globex")
    form = {"email": "p2@example.com", "campaign_id": "1"}
    body = f"email=p2@example.com&campaign_id=1&sig={SIGNER.sign('unsubscribe', globex.pk, form)}".encode()
    assert doors.ask("POST", "/webhook/unsubscribe", body=body, Content_Type=FORM).status == 404
    assert status(message) == "active"


def test_r18_a_trailing_slash_and_both_spellings_of_the_id_are_taken(doors: Doors, message: Message) -> None:
    fields = {"mid": f"msg_{message.pk}", "rid": "1"}
    sig = SIGNER.sign("pixel", connection.tenant.pk, fields)
    assert doors.ask("GET", f"/webhook/pixel/?mid=msg_{message.pk}&rid=1&sig={sig}").status == 200


def test_r18_methods_are_answered_as_they_should_be(doors: Doors) -> None:
    assert doors.ask("POST", "/webhook/pixel").status == 405
    assert doors.ask("DELETE", "/webhook/unsubscribe").status == 405
    assert doors.ask("OPTIONS", "/webhook/click").headers["allow"] == "GET, HEAD, OPTIONS"
