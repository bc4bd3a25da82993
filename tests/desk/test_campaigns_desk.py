"""A campaign from the form to the send button."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from campaigns.models import Campaign
from campaigns.services.planning import plan_campaign
from tenants.models import DueWork
from tests.desk.conftest import campaign, person, provider, queries, signed_domain, tag, template

ADD = "/admin/campaigns/campaign/add/"
REACH = "/admin/campaigns/campaign/reach/"

Inside = Callable[[], Any]


def page_of(client: Client, one: Campaign) -> str:
    answer = client.get(f"/admin/campaigns/campaign/{one.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def ready(name: str = "Spring", **draft: object) -> Campaign:
    """A campaign that can go out to one person."""
    person("ana@example.com", first_name="Ana")
    provider()
    return campaign(name, **draft)


def test_a_campaign_is_written_checked_and_sent(owner: Client, inside: Inside) -> None:
    with inside():
        vip, mail = tag("VIP"), template()
        person("ana@example.com", vip.slug, first_name="Ana")
        person("ben@example.com")
        provider()
        signed_domain()
    form = {
        "name": "Spring", "template": mail.pk, "from_name": "Ana, of Acme", "from_address": "news@acme.example",
        "tags_any": ["vip"], "track_opens": "on", "track_clicks": "on",
    }  # fmt: skip
    answer = owner.post(ADD, form)
    with inside():
        made = Campaign.objects.get()
        assert (made.from_name, made.from_address, made.tags_any) == ("Ana, of Acme", "news@acme.example", ["vip"])
    assert answer.headers["Location"] == f"/admin/campaigns/campaign/{made.pk}/change/"
    page = page_of(owner, made)
    assert "The mail will not be signed" in page
    assert ">1</span> <span" in page.replace("\n", "")
    send = f"/admin/campaigns/campaign/{made.pk}/send/"
    assert "Send “Spring” to 1 person?" in owner.get(send).content.decode()
    assert owner.post(send, {"when": "now"}).status_code == 302
    with inside():
        made.refresh_from_db()
        assert made.state == "sending"
        assert DueWork.objects.filter(schema="acme", task="campaigns.plan", reference=made.pk).exists()
        plan_campaign(made.pk)
        assert made.parts.get().message.total == 1
    assert "Sending" in page_of(owner, made)


def test_what_is_wrong_stands_at_its_field(owner: Client, inside: Inside) -> None:
    with inside():
        mail = template()
    page = owner.post(ADD, {"name": "x", "template": mail.pk, "from_address": "nonsense"})
    assert "from_address" in page.context["form"].errors
    assert "template" in owner.post(ADD, {"name": "x", "from_address": "a@example.com"}).context["form"].errors


def test_the_number_of_people_follows_the_form(owner: Client, inside: Inside) -> None:
    with inside():
        person("ana@example.com", tag("VIP").slug, first_name="Ana", language="fr")
        person("ben@example.com", language="de")
        mail = template("News")
        template("News", language="fr")
    everybody = owner.post(REACH, {"template": mail.pk}).content.decode()
    assert ">2</p>" in everybody
    assert ">fr</span>" in everybody
    some = owner.post(REACH, {"tags_any": ["vip"]}).content.decode()
    assert ">1</p>" in some
    assert "ana@example.com" in some
    assert "ben@example.com" not in some
    assert "There is no tag" in owner.post(REACH, {"tags_any": ["vpi"]}).content.decode()
    assert (
        "Nobody who may be mailed fits all of this."
        in owner.post(REACH, {"tags_all": ["vip"], "language": "de"}).content.decode()
    )


def test_a_campaign_without_provider_or_audience_cannot_be_sent(owner: Client, inside: Inside) -> None:
    with inside():
        one = campaign()
    page = page_of(owner, one)
    assert "The audience is empty." in page
    assert "no provider is set up" in page
    assert "disabled" in page
    for answer in (
        owner.get(f"/admin/campaigns/campaign/{one.pk}/send/"),
        owner.post(f"/admin/campaigns/campaign/{one.pk}/send/", {"when": "now"}),
    ):
        assert answer.status_code in (200, 302)
    with inside():
        one.refresh_from_db()
        assert one.state == "draft"


def test_a_campaign_is_scheduled_in_the_zone_of_the_browser(owner: Client, inside: Inside) -> None:
    with inside():
        one = ready()
    at = (datetime.now(UTC) + timedelta(days=2)).replace(second=0, microsecond=0)
    local = at + timedelta(hours=2)
    owner.post(
        f"/admin/campaigns/campaign/{one.pk}/send/",
        {"when": "later", "at": f"{local:%Y-%m-%dT%H:%M}", "offset": "-120"},
    )
    with inside():
        one.refresh_from_db()
        assert (one.state, one.scheduled_at) == ("scheduled", at)
    assert "It goes out at" in page_of(owner, one)
    assert "Spring" in owner.get("/admin/").content.decode()
    owner.post(f"/admin/campaigns/campaign/{one.pk}/unschedule/")
    with inside():
        one.refresh_from_db()
        assert (one.state, one.scheduled_at) == ("draft", None)


def test_a_time_that_is_over_or_missing_is_refused(owner: Client, inside: Inside) -> None:
    with inside():
        one = ready()
    url = f"/admin/campaigns/campaign/{one.pk}/send/"
    assert "This time is over." in owner.post(url, {"when": "later", "at": "2020-01-01T10:00"}).content.decode()
    assert "Say when." in owner.post(url, {"when": "later"}).content.decode()
    assert owner.post(url, {"when": "later", "at": "2099-01-01T10:00", "offset": "99999"}).status_code == 200
    with inside():
        one.refresh_from_db()
        assert one.state == "draft"


def test_sending_is_paused_resumed_and_cancelled(owner: Client, inside: Inside) -> None:
    with inside():
        one = ready()
    owner.post(f"/admin/campaigns/campaign/{one.pk}/send/", {"when": "now"})
    with inside():
        plan_campaign(one.pk)
    for step, state in (("pause", "paused"), ("resume", "sending"), ("cancel", "cancelled")):
        answer = owner.post(f"/admin/campaigns/campaign/{one.pk}/{step}/", follow=True)
        assert answer.status_code == 200
        with inside():
            one.refresh_from_db()
            assert one.state == state
    again = owner.post(f"/admin/campaigns/campaign/{one.pk}/resume/", follow=True).content.decode()
    assert "was cancelled" in again


def test_a_begun_campaign_is_not_changed_but_duplicated(owner: Client, inside: Inside) -> None:
    with inside():
        one = ready(tags_any=(tag("VIP").slug,))
        Campaign.objects.update(state="sent")
    assert owner.get(f"/admin/campaigns/campaign/{one.pk}/edit/").status_code == 302
    copy_url = owner.post(f"/admin/campaigns/campaign/{one.pk}/duplicate/").headers["Location"]
    page = owner.get(copy_url)
    assert page.context["form"].initial["name"] == "Spring (copy)"
    assert page.context["form"].initial["tags_any"] == ["vip"]


def test_a_link_fills_the_form(owner: Client, inside: Inside) -> None:
    with inside():
        mail = template()
        tag("VIP")
    form = owner.get(f"{ADD}?template={mail.pk}&tags_any=vip").context["form"]
    assert form.initial["template"] == str(mail.pk)
    assert form["tags_any"].value() == ["vip"]
    assert owner.get(f"{ADD}?template=x&tags_any=none").status_code == 200


def test_a_campaign_is_deleted_after_a_question_and_not_while_it_is_sent(owner: Client, inside: Inside) -> None:
    with inside():
        one = ready()
        Campaign.objects.update(state="sending")
    owner.post(f"/admin/campaigns/campaign/{one.pk}/remove/")
    with inside():
        assert Campaign.objects.exists()
        Campaign.objects.update(state="draft")
    assert "and its report?" in owner.get(f"/admin/campaigns/campaign/{one.pk}/remove/").content.decode()
    owner.post(f"/admin/campaigns/campaign/{one.pk}/remove/")
    with inside():
        assert not Campaign.objects.exists()


def test_every_step_is_two_clicks_from_home(owner: Client, inside: Inside) -> None:
    home = owner.get("/admin/").content.decode()
    for url in (
        "/admin/contacts/import/add/",
        "/admin/campaigns/template/add/",
        ADD,
        "/admin/contacts/tag/",
        "/admin/campaigns/campaign/",
    ):
        assert f'href="{url}"' in home
    with inside():
        one = ready()
    assert f'href="/admin/campaigns/campaign/{one.pk}/change/"' in owner.get("/admin/").content.decode()


def test_home_and_list_take_as_many_queries_for_many_campaigns_as_for_few(owner: Client, inside: Inside) -> None:
    with inside():
        mail = template()
        one = campaign("c0", of=mail)
        Campaign.objects.filter(pk=one.pk).update(state="sent")
        Campaign.objects.filter(pk=campaign("s", of=mail).pk).update(state="sending")
    home, listed = queries(owner, "/admin/"), queries(owner, "/admin/campaigns/campaign/")
    with inside():
        for number in range(1, 25):
            Campaign.objects.filter(pk=campaign(f"c{number}", of=mail).pk).update(
                state=("sent", "sending", "paused")[number % 3]
            )
    assert queries(owner, "/admin/") == home <= 16
    assert queries(owner, "/admin/campaigns/campaign/") == listed <= 12
