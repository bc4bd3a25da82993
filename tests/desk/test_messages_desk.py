"""Single messages on a tenant's desk."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from outbound.events import record_event
from outbound.models import Message
from outbound.states import EventKind, RecipientState
from outbound.submission.finding import MessageFilter, find_message, list_messages
from outbound.submission.ids import public_id
from outbound.submission.types import Attachment, Door, Mailbox
from tenants.models import Tenant
from tests.desk.conftest import queries
from tests.outbound.submission_cast import defer, end, later, people, row, submitted, take

Inside = Callable[[], Any]
LIST = "/admin/outbound/message/"


def page_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def own(message_id: int, page: str = "change") -> str:
    return f"{LIST}{message_id}/{page}/"


def test_an_empty_list_says_what_it_is_for(owner: Client) -> None:
    assert "No messages yet" in page_of(owner, LIST)


def test_the_list_shows_the_newest_first_and_takes_constant_queries(owner: Client, inside: Inside) -> None:
    with inside():
        submitted(
            subject="Your <b>order</b>", to=people("ana@example.com", "bob@example.com"), door=Door.AEGIS, priority=1
        )
    page = page_of(owner, LIST)
    for words in ("ana@example.com", "+1", "Your &lt;b&gt;order&lt;/b&gt;", "Aegis", "queued", "1 to 1 of 1"):
        assert words in page
    few = queries(owner, LIST)
    with inside():
        for n in range(54):
            submitted(subject=f"Number {n}")
    assert queries(owner, LIST) <= few + 1
    page = page_of(owner, LIST)
    assert page.index("Number 53") < page.index("Number 52")
    assert "1 to 50 of 55" in page
    assert "51 to 55 of 55" in page_of(owner, f"{LIST}?page=2")


def test_the_list_is_narrowed_by_state_door_day_and_address(owner: Client, inside: Inside) -> None:
    with inside():
        submitted(subject="First thing")
        sent = submitted(
            subject="Second thing", to=people("bob@example.com"), sender=Mailbox("a@acme.example"), door=Door.SMTP
        )
        end(sent.message_id, RecipientState.SENT)
        today = row("SELECT (now() AT TIME ZONE 'UTC')::date")[0]
    for query in (
        "state=sent",
        "door=smtp",
        "q=BOB@example.com",
        "who=from&q=a@acme.example",
        f"state=sent&from={today}&to={today}",
    ):
        page = page_of(owner, f"{LIST}?{query}")
        assert "Second thing" in page, query
        assert "First thing" not in page, query
    for query in ("to=2020-01-01", "from=9999-12-31", "state=failed", "q=nobody", "page=999999"):
        assert "No message is like that" in page_of(owner, f"{LIST}?{query}"), query
    for query in ("state=lost", "door=window", "q=%00"):
        assert "desk-note-bad" in page_of(owner, f"{LIST}?{query}"), query
    for query in ("from=2026-99-99", "to=x", "page=x", "page=-1"):
        assert "First thing" in page_of(owner, f"{LIST}?{query}"), query


def test_an_id_typed_into_the_search_leads_to_its_message(owner: Client, inside: Inside, globex: Tenant) -> None:
    with inside():
        done = submitted()
    for text in (done.public_id, f"msg_{done.public_id}", f" msg-{done.public_id} "):
        assert owner.get(LIST, {"q": text})["Location"] == own(done.message_id)
    assert owner.get(LIST, {"q": public_id(globex.pk, done.message_id)}).status_code == 200


def test_a_message_shows_recipients_replies_history_and_attachments(owner: Client, inside: Inside) -> None:
    with inside():
        done = submitted(
            cc=people("bob@example.com"), attachments=(Attachment("bill.txt", b"12 EUR", "text/plain"),), campaign="spring",
            metadata={"items": "three <i>"}, headers=(("X-Order", "7"),),
        )  # fmt: skip
        end(
            done.message_id,
            RecipientState.SENT,
            RecipientState.BOUNCED_HARD,
            code=550,
            reason="5.1.1 <script>no</script>\u202e",
        )
        record_event(kind=EventKind.DELIVERY, message_id=done.message_id, position=0)
    page = page_of(owner, own(done.message_id))
    for words in (
        "ana@example.com", "bob@example.com", "delivered", "bounced", "550 5.1.1 &lt;script&gt;no&lt;/script&gt;", "bill.txt", "6\xa0bytes",
        "spring", f"msg_{done.public_id}", "X-Order", "three &lt;i&gt;", "accepted", "Relay",
    ):  # fmt: skip
        assert words in page, words
    assert "<script>no" not in page
    assert page.count("sandbox") == 1
    assert owner.get(own(done.message_id + 999)).status_code == 404


def test_a_message_takes_the_same_queries_however_many_get_it(owner: Client, inside: Inside) -> None:
    with inside():
        one = submitted()
        many = submitted(to=people(*(f"p{n}@example.com" for n in range(60))))
        end(many.message_id, *[RecipientState.SENT] * 60)
    few = queries(owner, own(one.message_id))
    assert queries(owner, own(many.message_id)) == few


def test_the_content_is_shown_in_a_frame_that_can_do_nothing(owner: Client, inside: Inside) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"\x00" * 16
    with inside():
        done = submitted(
            html='<script>alert(1)</script><img src="cid:logo"><img src="cid:none"><img src="https://x.example/a.png">',
            attachments=(Attachment("logo.png", picture, "image/png", "logo"),),
        )
        plain = submitted(html="", text="1 < 2")
    answer = owner.get(own(done.message_id, "preview"))
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("sandbox;")
    assert "default-src 'none'" in policy
    assert "https:" not in policy
    assert "allow-" not in policy
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    shown = answer.content.decode()
    assert 'src="data:image/png;base64,iVBORw0KGgo' in shown
    assert 'src="cid:none"' in shown
    assert "It is on its way." in page_of(owner, own(done.message_id, "preview") + "?as=text")
    assert "1 &lt; 2" in page_of(owner, own(plain.message_id, "preview"))
    assert owner.get(own(done.message_id + 99, "preview")).status_code == 404


def test_cancelling_is_asked_first_and_then_done(owner: Client, inside: Inside) -> None:
    with inside():
        done = submitted(send_at=later())
    assert own(done.message_id, "cancel") in page_of(owner, own(done.message_id))
    assert "Never send" in page_of(owner, own(done.message_id, "cancel"))
    with inside():
        assert find_message(done.message_id).state == "scheduled"
    answer = owner.post(own(done.message_id, "cancel"), follow=True)
    assert "It is cancelled." in answer.content.decode()
    with inside():
        assert find_message(done.message_id).state == "cancelled"
    assert "is cancelled already" in owner.post(own(done.message_id, "cancel"), follow=True).content.decode()


def test_what_is_on_its_way_offers_no_cancelling_and_refuses_it(owner: Client, inside: Inside) -> None:
    with inside():
        done = submitted()
        take(done.message_id)
    page = page_of(owner, own(done.message_id))
    assert "being sent" in page
    assert own(done.message_id, "cancel") not in page
    assert "is being sent just now" in owner.post(own(done.message_id, "cancel"), follow=True).content.decode()


def test_a_failed_message_is_tried_again(owner: Client, inside: Inside) -> None:
    with inside():
        waits, dead, done = submitted(), submitted(), submitted()
        end(done.message_id, RecipientState.IN_DOUBT)
        end(dead.message_id, RecipientState.BOUNCED_HARD)
    for other in (waits, dead):
        assert own(other.message_id, "retry") not in page_of(owner, own(other.message_id))
    assert own(done.message_id, "retry") in page_of(owner, own(done.message_id))
    assert "they may get it twice" in page_of(owner, own(done.message_id, "retry"))
    assert "waits for its next try" in owner.post(own(done.message_id, "retry"), follow=True).content.decode()
    assert "nobody is left" in owner.post(own(waits.message_id, "retry"), follow=True).content.decode()
    with inside():
        assert find_message(done.message_id).state == "queued"


def test_a_message_is_sent_again_as_a_new_one(owner: Client, inside: Inside) -> None:
    with inside():
        done = submitted(subject="Once more")
        end(done.message_id, RecipientState.SENT)
    assert "as a new message" in page_of(owner, own(done.message_id, "resend"))
    answer = owner.post(own(done.message_id, "resend"), follow=True)
    assert "This is the new message." in answer.content.decode()
    with inside():
        assert [one.subject for one in list_messages(MessageFilter(), limit=5).messages] == ["Once more"] * 2


def test_a_deferred_message_says_why(owner: Client, inside: Inside) -> None:
    with inside():
        done = submitted()
        defer(done.message_id, reason="4.2.1 mailbox <busy>")
    page = page_of(owner, own(done.message_id))
    assert "It was refused for now, and is tried again." in page
    assert "451 4.2.1 mailbox &lt;busy&gt;" in page


def test_a_viewer_reads_and_changes_nothing(viewer: Client, marketer: Client, inside: Inside) -> None:
    with inside():
        done = submitted()
    for url in (LIST, own(done.message_id), own(done.message_id, "preview")):
        assert page_of(viewer, url)
    assert own(done.message_id, "resend") not in page_of(viewer, own(done.message_id))
    for action in ("cancel", "retry", "resend"):
        assert viewer.get(own(done.message_id, action)).status_code == 403
        assert viewer.post(own(done.message_id, action)).status_code == 403
        assert marketer.get(own(done.message_id, action)).status_code == 200
    with inside():
        assert list_messages(MessageFilter(), limit=5).total == 1


@pytest.mark.parametrize("page", ["cancel", "retry", "resend", "preview"])
def test_what_is_not_there_is_not_found(owner: Client, page: str) -> None:
    assert owner.get(own(999999, page)).status_code == 404


def test_campaigns_mails_are_no_single_messages(owner: Client, inside: Inside) -> None:
    with inside():
        message = Message.objects.create(
            origin="campaign:1", name="Spring", state="sending", month=date(2026, 11, 1), content={}, stamp={}, total=1
        )
    assert "Spring" not in page_of(owner, LIST)
    assert owner.get(own(message.pk)).status_code == 404
