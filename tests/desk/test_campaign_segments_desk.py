"""A campaign that is aimed at a segment, on the desk."""

from collections.abc import Callable
from typing import Any

from django.test import Client

from campaigns.behaviour import campaign_behaviour
from campaigns.models import Campaign
from contacts.models import Segment
from contacts.services.segments import create_segment, delete_segment
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.desk.conftest import campaign, person, provider, tag, template

ADD = "/admin/campaigns/campaign/add/"
REACH = "/admin/campaigns/campaign/reach/"

Inside = Callable[[], Any]


def french(name: str = "French") -> Segment:
    tree = {"field": "language", "is": "fr"}
    return create_segment(name=name, tree=tree, behaviour=campaign_behaviour)


def filled_in(page: Any) -> dict[str, Any]:
    """What a browser would send back of the form as it is shown."""
    form = page.context["form"]
    values = {name: form[name].value() for name in form.fields}
    prepared = {name: form.fields[name].prepare_value(value) for name, value in values.items()}
    return {name: value for name, value in prepared.items() if value not in (None, "", False)}


def test_a_campaign_is_aimed_at_a_segment_and_saving_it_again_keeps_it(owner: Client, inside: Inside) -> None:
    with inside():
        mail, wanted = template(), french()
    form = {"name": "Spring", "template": mail.pk, "from_address": "news@acme.example", "segment": wanted.pk}
    owner.post(ADD, form)
    with inside():
        made = Campaign.objects.get()
        assert made.segment == wanted
    edit = f"/admin/campaigns/campaign/{made.pk}/edit/"
    page = owner.get(edit)
    assert f'<option value="{wanted.pk}" selected>French</option>' in page.content.decode()
    owner.post(edit, {**filled_in(page), "name": "Summer"})
    with inside():
        made.refresh_from_db()
        assert (made.name, made.segment) == ("Summer", wanted)
    owner.post(edit, {**filled_in(page), "segment": ""})
    with inside():
        made.refresh_from_db()
        assert made.segment is None


def test_the_number_of_people_counts_only_the_segment(owner: Client, inside: Inside) -> None:
    with inside():
        vip = tag("VIP").slug
        person("ana@example.com", vip, language="fr")
        person("zoe@example.com", language="fr")
        person("ben@example.com", vip, language="de")
        mail, wanted = template(), french()
    everybody = owner.post(REACH, {"template": mail.pk, "segment": ""}).content.decode()
    assert ">3</p>" in everybody
    some = owner.post(REACH, {"template": mail.pk, "segment": wanted.pk}).content.decode()
    assert ">2</p>" in some
    assert "ben@example.com" not in some
    one = owner.post(REACH, {"segment": wanted.pk, "tags_any": [vip]}).content.decode()
    assert ">1</p>" in one
    assert "zoe@example.com" not in one


def test_the_overview_names_the_segment_and_counts_it(owner: Client, inside: Inside) -> None:
    with inside():
        person("ana@example.com", language="fr")
        person("ben@example.com", language="de")
        provider()
        one = campaign(segment=french("Speakers of French"))
    page = owner.get(f"/admin/campaigns/campaign/{one.pk}/change/").content.decode()
    assert ">Speakers of French</span>" in page.split("in the segment ")[1].splitlines()[0]
    assert "Everybody who may be mailed" not in page
    assert '<span class="desk-huge">1</span>' in page
    assert "to 1 person?" in owner.get(f"/admin/campaigns/campaign/{one.pk}/send/").content.decode()


def test_a_segment_that_is_gone_never_means_everybody(owner: Client, inside: Inside) -> None:
    with inside():
        person("ana@example.com")
        mail, gone, other = template(), french(), french("Another")
        delete_segment(segment=gone)
    form = {"name": "Spring", "template": mail.pk, "from_address": "news@acme.example"}
    for pk in (gone.pk, "x", "9" * 30, "²"):
        counted = owner.post(REACH, {**form, "segment": pk}).content.decode()
        assert "This segment is no longer there." in counted
        assert "desk-huge" not in counted
        page = owner.post(ADD, {**form, "segment": pk})
        assert "This segment is no longer there" in page.context["form"].errors["segment"][0]
    with inside():
        delete_segment(segment=other)
    assert "This segment is no longer there" in owner.post(ADD, {**form, "segment": gone.pk}).content.decode()
    with inside():
        assert not Campaign.objects.exists()


def test_only_the_tenants_own_segments_are_offered(owner: Client, inside: Inside, globex: Tenant) -> None:
    with tenant_scope(globex):
        french("Globex secret")
    assert 'name="segment"' not in owner.get(ADD).content.decode()
    with inside():
        wanted = french()
        Segment.objects.update(last_mailable=1234)
    page = owner.get(f"{ADD}?segment={wanted.pk}")
    assert f'<option value="{wanted.pk}" selected>French (1,234 when last counted)</option>' in page.content.decode()
    assert "Globex secret" not in page.content.decode()
