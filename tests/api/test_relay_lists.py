"""R4: messages are listed in pages, by every filter."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import Tenant
from tests.api.relay_cast import MOMENT, Relay, furnish, mark, number, refusal, relay, stored
from tests.outbound.submission_cast import take


@pytest.fixture
def caller(acme: Tenant) -> Relay:
    furnish()
    return relay(acme)


def test_r04_messages_are_listed_as_printed(caller: Relay) -> None:
    public = caller.sent(
        cc=["cc@example.com"],
        bcc=["bcc@example.com"],
        campaign_id="camp-123",
        metadata={"source": "api", "user_id": "u"},
    )
    answer = caller.get("messages?status=queued&limit=50&offset=0")
    assert answer.status_code == 200
    (message,) = answer.json()["data"]["messages"]
    assert message == {
        "id": public,
        "from": "shop@acme.example",
        "to": ["ana@example.com"],
        "cc": ["cc@example.com"],
        "bcc": ["bcc@example.com"],
        "subject": "Hello",
        "status": "queued",
        "workspace_id": caller.tenant.workspace_id,
        "campaign_id": "camp-123",
        "queued_at": stored(public, "created_at")[0].strftime(MOMENT),
        "processed_at": None,
        "error": None,
        "retry_count": 0,
        "metadata": {"source": "api", "user_id": "u"},
    }
    assert answer.json()["data"]["pagination"] == {"total": 1, "limit": 50, "offset": 0, "has_more": False}


def test_r04_a_list_has_pages_in_body_and_headers(caller: Relay) -> None:
    sent = [caller.sent(subject=f"Number {n}") for n in range(5)]
    first = caller.get("messages?limit=2")
    assert [one["id"] for one in first.json()["data"]["messages"]] == [sent[4], sent[3]]
    assert first.json()["data"]["pagination"] == {"total": 5, "limit": 2, "offset": 0, "has_more": True}
    told = {name: first.headers[name] for name in ("X-Total-Count", "X-Page-Count", "X-Current-Page", "X-Per-Page")}
    assert told == {"X-Total-Count": "5", "X-Page-Count": "3", "X-Current-Page": "1", "X-Per-Page": "2"}
    assert first.headers["Link"] == (
        '</api/messages?limit=2&page=2>; rel="next", </api/messages?limit=2&page=3>; rel="last"'
    )
    last = caller.get("/api/messages?limit=2&page=3")
    assert [one["id"] for one in last.json()["data"]["messages"]] == [sent[0]]
    assert last.json()["data"]["pagination"] == {"total": 5, "limit": 2, "offset": 4, "has_more": False}
    assert last.headers["Link"] == '</api/messages?limit=2&page=3>; rel="last"'
    between = caller.get("messages?limit=2&offset=1")
    assert [one["id"] for one in between.json()["data"]["messages"]] == [sent[3], sent[2]]
    assert between.headers["Link"] == (
        '</api/messages?limit=2&offset=3>; rel="next", </api/messages?limit=2&offset=3>; rel="last"'
    )


def test_r04_every_filter_narrows_the_list(caller: Relay) -> None:
    waiting = caller.sent(to=["bo@example.com"])
    later = caller.sent(scheduling={"send_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()})
    sent, delivered, failed, bounced = (caller.sent() for _ in range(4))
    cancelled, deferred, held = (caller.sent(from_="other@acme.example") for _ in range(3))
    for public, state in ((sent, "sent"), (delivered, "delivered"), (failed, "failed"), (bounced, "bounced")):
        mark(public, state=state, processed_at=datetime.now(UTC))
    mark(cancelled, state="cancelled")
    mark(deferred, state="deferred", error="451 4.3.0 Try again")
    take(number(held))
    today, tomorrow = datetime.now(UTC).date(), datetime.now(UTC).date() + timedelta(days=1)
    everything = {waiting, later, sent, delivered, failed, bounced, cancelled, deferred, held}
    expected = {
        "status=all": everything,
        "": everything,
        "status=queued": {waiting, later, deferred},
        "status=processing": {held},
        "status=sent": {sent, delivered},
        "status=failed": {failed, bounced},
        "status=cancelled": {cancelled},
        "status=scheduled": {later},
        "status=deferred": {deferred},
        "status=delivered": {delivered},
        "status=bounced": {bounced},
        "from=Other@acme.example": {cancelled, deferred, held},
        "to=bo@example.com": {waiting},
        "to=no@example.com": set(),
        f"date_from={today}&date_to={today}": everything,
        f"date_from={tomorrow}": set(),
        f"date_to={today}T00:00:00Z": set(),
        f"workspace_id={caller.tenant.workspace_id}&status=sent&to=ana@example.com": {sent, delivered},
    }
    found = {
        query: {one["id"] for one in caller.get(f"messages?{query}").json()["data"]["messages"]} for query in expected
    }
    assert found == expected
    statuses = {one["id"]: (one["status"], one["error"]) for one in caller.get("messages").json()["data"]["messages"]}
    assert statuses[held] == ("processing", None)
    assert statuses[deferred] == ("queued", "451 4.3.0 Try again")
    assert (statuses[bounced][0], statuses[delivered][0], statuses[cancelled][0]) == ("failed", "sent", "cancelled")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=lost", "status"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("offset=-1", "offset"),
        ("offset=99999999999", "offset"),
        ("page=0", "page"),
        ("page=2&offset=50", "page"),
        ("date_from=yesterday", "date_from"),
        ("date_to=2024-13-01", "date_to"),
        ("from=%00", "from"),
        ("to=%00", "to"),
    ],
)
def test_r04_a_parameter_that_means_nothing_is_refused(caller: Relay, query: str, field: str) -> None:
    assert refusal(caller.get(f"messages?{query}")) == (400, "INVALID_REQUEST", field)


def test_r04_a_list_of_many_costs_as_many_queries_as_one_of_one(caller: Relay) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert caller.get("messages?limit=20").status_code == 200
        return len(seen)

    caller.sent()
    queries()
    of_one = queries()
    for _ in range(12):
        caller.sent(cc=["cc@example.com"], attachments=[{"filename": "a.txt", "content": "aGk="}])
    assert queries() == of_one
