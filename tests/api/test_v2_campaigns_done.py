"""What is done with campaigns over HTTP: paused, copied, shown, tried out, reported."""

import csv
import io
from email import policy
from email.parser import BytesParser

import pytest

from campaigns.models import Campaign, TestSend
from campaigns.services.planning import plan_campaign
from contacts.models import Contact, Suppression
from outbound.models import Message
from tenants.models import Tenant
from tests.api.v2_cast import V2, caller
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_template
from tests.outbound.engine_cast import Provider


@pytest.fixture
def v2(acme: Tenant) -> V2:
    return caller(acme)


def error_of(answer, status):
    assert answer.status_code == status, answer.content
    return answer.json()["error"]


def read(raw):
    return BytesParser(policy=policy.default).parsebytes(raw)


def test_a_campaign_is_paused_resumed_and_cancelled(v2, acme):
    add_provider()
    add_contacts(2)
    campaign = add_campaign()
    path = f"campaigns/{acme.pk}/{campaign.pk}"
    assert error_of(v2.post(f"{path}/pause"), 409)
    v2.post(f"{path}/send")
    plan_campaign(campaign.pk)
    told = v2.post(f"{path}/pause").json()
    assert told == {"success": True, "campaign_id": campaign.pk, "status": "paused", "message": "Campaign paused"}
    assert Message.objects.get().state == "paused"
    assert error_of(v2.post(f"{path}/pause"), 409)
    assert v2.post(f"{path}/resume").json()["status"] == "sending"
    assert Message.objects.get().state == "sending"
    assert v2.post(f"{path}/cancel").json()["status"] == "cancelled"
    assert error_of(v2.post(f"{path}/resume"), 409)
    assert error_of(v2.post(f"{path}/cancel"), 409)


def test_a_copy_is_a_new_draft(v2, acme):
    campaign = add_campaign(reply_to="help@acme.example")
    Campaign.objects.update(state="sent")
    answer = v2.post(f"campaigns/{acme.pk}/{campaign.pk}/duplicate")
    assert answer.status_code == 201
    told = answer.json()
    assert told["id"] != campaign.pk
    assert (told["name"], told["status"], told["reply_to"]) == ("Spring (copy)", "draft", "help@acme.example")
    assert v2.post(f"campaigns/{acme.pk}/{campaign.pk}/duplicate", {"name": "Again"}).json()["name"] == "Again"


def test_a_preview_shows_the_version_of_the_contacts_language_with_the_real_head(v2, acme):
    main = add_template(subject="Hello {{ first_name }}")
    french = add_template(language="fr", subject="Bonjour {{ first_name }}", preheader="Pour {{ first_name }}")
    campaign = add_campaign(main, reply_to="help@acme.example")
    Contact.objects.create(email="ana@example.com", email_key="ana@example.com", first_name="Zoë", language="fr-ca")
    told = v2.post(f"campaigns/{acme.pk}/{campaign.pk}/preview", {"email": "Ana@Example.com"}).json()
    assert (told["subject"], told["preheader"]) == ("Bonjour Zoë", "Pour Zoë")
    assert (told["template_id"], told["language"]) == (french.pk, "fr")
    assert told["sender"] == "Acme <news@acme.example>"
    headers = {header["name"]: header["value"] for header in told["headers"]}
    assert (headers["To"], headers["Reply-To"]) == ("ana@example.com", "help@acme.example")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert 'href="https://acme.example/shop"' in told["html"]
    assert "/o/" not in told["html"]
    told = v2.post(f"campaigns/{acme.pk}/{campaign.pk}/preview").json()
    assert (told["subject"].strip(), told["template_id"], told["contact_id"]) == ("Hello", main.pk, None)
    assert "first_name" in told["empty_fields"]


def test_a_test_mail_really_goes_out_marked_and_is_counted_nowhere(v2, acme):
    main = add_template(subject="Hello {{ first_name }}")
    add_template(language="fr", subject="Bonjour {{ first_name }}")
    Contact.objects.create(email="ana@example.com", email_key="ana@example.com", first_name="Ana", language="fr")
    with Provider() as provider:
        campaign = add_campaign(main, provider=provider.account())
        path = f"campaigns/{acme.pk}/{campaign.pk}"
        answer = v2.post(f"{path}/test", {"addresses": ["ana@example.com", "boss@acme.example", "ANA@example.com"]})
        assert answer.status_code == 200, answer.content
        results = answer.json()["results"]
        assert [(one["email"], one["result"], one["code"], one["language"]) for one in results] == [
            ("ana@example.com", "sent", 250, "fr"),
            ("boss@acme.example", "sent", 250, ""),
        ]
        mails = {mail.recipients[0]: read(mail.body) for mail in provider.server.taken}
        assert provider.server.faults == []
    assert mails["ana@example.com"]["Subject"] == "[Test] Bonjour Ana"
    assert mails["boss@acme.example"]["Subject"] == "[Test] Hello"
    assert mails["ana@example.com"]["From"] == "Acme <news@acme.example>"
    assert mails["ana@example.com"]["Message-ID"] != mails["boss@acme.example"]["Message-ID"]
    html = mails["ana@example.com"].get_body(("html",)).get_content()
    assert 'href="https://acme.example/shop"' in html
    assert "/o/" not in html
    assert set(v2.get(path).json()["counts"].values()) == {0}
    assert not Message.objects.exists()
    assert sorted(TestSend.objects.values_list("email", "result")) == [
        ("ana@example.com", "sent"),
        ("boss@acme.example", "sent"),
    ]


def test_what_the_provider_says_to_a_test_is_told_for_each_address(v2, acme):
    for address, reason in (("dead@example.com", "hard_bounce"), ("angry@example.com", "complaint")):
        Suppression.objects.create(email=address, email_key=address, reason=reason)
    Suppression.objects.create(email="left@example.com", email_key="left@example.com", reason="unsubscribed")

    def script(verb, argument):
        if verb == "RCPT" and argument.startswith("gone@"):
            return "550 5.1.1 No such user"
        if verb == "RCPT" and argument.startswith("busy@"):
            return "451 4.3.0 Later"
        return None

    names = ("dead", "angry", "left", "gone", "busy")
    with Provider(script) as provider:
        campaign = add_campaign(provider=provider.account())
        body = {"addresses": [f"{name}@example.com" for name in names], "attributes": {"first_name": "Bo"}}
        results = v2.post(f"campaigns/{acme.pk}/{campaign.pk}/test", body).json()["results"]
        assert dict(provider.received) == {"left@example.com": 1}
    assert [(one["result"], one["code"]) for one in results] == [
        ("suppressed", None),
        ("suppressed", None),
        ("sent", 250),
        ("refused", 550),
        ("deferred", 451),
    ]
    assert results[3]["reason"] == "5.1.1 No such user"


def test_a_test_with_a_provider_that_is_away_says_so(v2, acme, unused_tcp_port):
    campaign = add_campaign(provider=add_provider(port=unused_tcp_port))
    answer = v2.post(f"campaigns/{acme.pk}/{campaign.pk}/test", {"addresses": ["a@example.com", "b@example.com"]})
    results = answer.json()["results"]
    assert [one["result"] for one in results] == ["failed", "failed"]
    assert "127.0.0.1" in results[0]["reason"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "addresses"),
        ({"addresses": []}, "addresses"),
        ({"addresses": [f"a{n}@example.com" for n in range(11)]}, "addresses"),
        ({"addresses": ["a@example.com", "nobody"]}, "addresses.1"),
        ({"addresses": ["a@example.com\r\nRCPT TO:<x@y.example>"]}, "addresses.0"),
        ({"addresses": ["a@example.com"], "contact_id": 1, "email": "a@example.com"}, "email"),
    ],
)
def test_a_test_to_nobody_or_to_too_many_is_refused(v2, acme, body, field):
    add_provider()
    campaign = add_campaign()
    assert error_of(v2.post(f"campaigns/{acme.pk}/{campaign.pk}/test", body), 422)["field"] == field
    assert not TestSend.objects.exists()


def test_test_mails_are_limited_by_the_hour(v2, acme):
    add_provider()
    campaign = add_campaign()
    TestSend.objects.bulk_create(TestSend(campaign=campaign, email="a@example.com", result="sent") for _ in range(100))
    answer = v2.post(f"campaigns/{acme.pk}/{campaign.pk}/test", {"addresses": ["a@example.com"]})
    assert error_of(answer, 429)["code"] == "quota_exceeded"
    assert int(answer.headers["Retry-After"]) > 60
    assert TestSend.objects.count() == 100


def test_a_campaign_that_nobody_can_send_has_no_test_either(v2, acme):
    campaign = add_campaign()
    error = error_of(v2.post(f"campaigns/{acme.pk}/{campaign.pk}/test", {"addresses": ["a@example.com"]}), 422)
    assert error["field"] == "provider_id"


def test_recipients_are_listed_page_by_page_and_by_state(v2, acme):
    add_provider()
    add_contacts(5)
    campaign = add_campaign()
    path = f"campaigns/{acme.pk}/{campaign.pk}/recipients"
    assert v2.get(path).json() == {"items": [], "next_cursor": None}
    v2.post(f"campaigns/{acme.pk}/{campaign.pk}/send")
    plan_campaign(campaign.pk)
    first = v2.get(f"{path}?limit=3").json()
    rest = v2.get(f"{path}?limit=3&cursor={first['next_cursor']}").json()
    told = [*first["items"], *rest["items"]]
    assert [one["email"] for one in told] == [f"user{number}@example.com" for number in range(5)]
    assert {one["state"] for one in told} == {"queued"}
    assert rest["next_cursor"] is None
    assert len(v2.get(f"{path}?state=queued").json()["items"]) == 5
    assert v2.get(f"{path}?state=opened").json()["items"] == []
    assert [one["email"] for one in v2.get(f"{path}?search=user4").json()["items"]] == ["user4@example.com"]
    assert error_of(v2.get(f"{path}?state=lost"), 422)["field"] == "state"
    assert error_of(v2.get(f"{path}?cursor=nonsense"), 422)["field"] == "cursor"
    assert error_of(v2.get(f"{path}?search=%00"), 422)["field"] == "search"
    far = "9" * 14
    assert v2.get(f"{path}?cursor={far}-{far}").json()["items"] == []


def test_recipients_come_as_a_file_too(v2, acme):
    add_provider()
    add_contacts(3)
    campaign = add_campaign(name="Spring & sun")
    path = f"campaigns/{acme.pk}/{campaign.pk}/recipients.csv"
    v2.post(f"campaigns/{acme.pk}/{campaign.pk}/send")
    plan_campaign(campaign.pk)
    answer = v2.get(path, accept="text/csv")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Spring__sun-recipients.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["email"], row["state"]) for row in rows] == [(f"user{n}@example.com", "queued") for n in range(3)]
    error = error_of(v2.get(f"{path}?state=lost", accept="text/csv"), 422)
    assert error["field"] == "state"


def test_a_report_tells_figures_rates_links_and_hours(v2, acme):
    campaign = add_campaign()
    told = v2.get(f"campaigns/{acme.pk}/{campaign.pk}/report").json()
    assert (told["campaign_id"], told["name"], told["status"]) == (campaign.pk, "Spring", "draft")
    assert (told["links"], told["hours"], told["started_at"], told["finished_at"]) == ([], [], None, None)
    assert set(told["figures"].values()) == {0}
    assert set(told["rates"]) == {
        "delivery",
        "bounce",
        "open",
        "click",
        "human_open",
        "human_click",
        "click_to_open",
        "unsubscribe",
        "complaint",
    }
