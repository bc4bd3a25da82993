"""What each role sees and may do; every page of our own is in the list."""

import pytest
from django.test import Client

from tests.desk.conftest import campaign, person, provider, signed_domain, tag

LISTS = (
    "/admin/",
    "/admin/contacts/contact/",
    "/admin/contacts/import/",
    "/admin/contacts/tag/",
    "/admin/contacts/suppression/",
    "/admin/contacts/contactattribute/",
    "/admin/campaigns/campaign/",
    "/admin/campaigns/template/",
    "/admin/outbound/message/",
    "/admin/outbound/provideraccount/",
    "/admin/deliverability/sendingdomain/",
)
FORMS = (
    "/admin/contacts/contact/add/",
    "/admin/contacts/import/add/",
    "/admin/contacts/tag/add/",
    "/admin/contacts/suppression/add/",
    "/admin/contacts/contactattribute/add/",
    "/admin/campaigns/campaign/add/",
    "/admin/campaigns/template/add/",
    "/admin/outbound/provideraccount/add/",
    "/admin/deliverability/sendingdomain/add/",
)


@pytest.fixture
def things(acme) -> dict[str, int]:  # type: ignore[no-untyped-def]
    mail = campaign()
    return {
        "contact": person("ana@example.com").pk,
        "campaign": mail.pk,
        "template": mail.template_id,
        "provider": provider().pk,
        "domain": signed_domain().pk,
        "tag": tag("VIP").pk,
    }


@pytest.mark.parametrize("url", [*LISTS, *FORMS])
def test_a_marketer_opens_every_page_of_the_desk(marketer: Client, url: str) -> None:
    assert marketer.get(url).status_code == 200


@pytest.mark.parametrize("url", LISTS)
def test_a_viewer_reads_every_list(viewer: Client, url: str) -> None:
    answer = viewer.get(url)
    assert answer.status_code == 200
    assert b"/add/" not in answer.content


@pytest.mark.parametrize("url", FORMS)
def test_a_viewer_gets_no_form(viewer: Client, url: str) -> None:
    assert viewer.get(url).status_code == 403
    assert viewer.post(url, {"name": "x"}).status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        "/admin/contacts/contact/{contact}/change/", "/admin/campaigns/campaign/{campaign}/change/",
        "/admin/campaigns/template/{template}/change/", "/admin/outbound/provideraccount/{provider}/change/",
        "/admin/deliverability/sendingdomain/{domain}/change/", "/admin/contacts/tag/{tag}/change/",
        "/admin/campaigns/campaign/{campaign}/recipients/", "/admin/campaigns/campaign/contact/{contact}/history/",
        "/admin/campaigns/template/{template}/preview/",
    ],
)  # fmt: skip
def test_a_viewer_reads_every_detail(viewer: Client, things: dict[str, int], url: str) -> None:
    assert viewer.get(url.format(**things)).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "/admin/campaigns/campaign/{campaign}/send/", "/admin/campaigns/campaign/{campaign}/pause/",
        "/admin/campaigns/campaign/{campaign}/resume/", "/admin/campaigns/campaign/{campaign}/cancel/",
        "/admin/campaigns/campaign/{campaign}/duplicate/", "/admin/campaigns/campaign/{campaign}/remove/",
        "/admin/campaigns/campaign/{campaign}/edit/", "/admin/campaigns/campaign/{campaign}/unschedule/",
        "/admin/campaigns/campaign/contact/{contact}/erase/", "/admin/campaigns/template/{template}/change/",
        "/admin/campaigns/template/{template}/remove/", "/admin/contacts/contact/{contact}/suppress/",
        "/admin/contacts/contact/{contact}/change/", "/admin/contacts/contact/tagging/",
        "/admin/outbound/provideraccount/{provider}/test/", "/admin/outbound/provideraccount/{provider}/change/",
        "/admin/contacts/tag/{tag}/delete/", "/admin/members/user/add/",
    ],
)  # fmt: skip
def test_a_viewer_changes_nothing(viewer: Client, things: dict[str, int], url: str) -> None:
    assert viewer.post(url.format(**things), {"name": "x"}).status_code == 403


@pytest.mark.parametrize("url", ["pause", "resume", "duplicate", "unschedule"])
def test_what_changes_a_campaign_is_no_link(marketer: Client, things: dict[str, int], url: str) -> None:
    assert marketer.get(f"/admin/campaigns/campaign/{things['campaign']}/{url}/").status_code == 405


def test_only_owners_see_the_members(owner: Client, marketer: Client, viewer: Client) -> None:
    assert owner.get("/admin/members/user/").status_code == 200
    for other in (marketer, viewer):
        answer = other.get("/admin/members/user/")
        assert answer.status_code == 403
        assert b"Your role does not allow this" in answer.content
        assert b"Members" not in other.get("/admin/").content


def test_a_tenant_has_no_page_of_the_operators(owner: Client) -> None:
    for url in ("/admin/tenants/tenant/", "/admin/tenants/apikey/", "/admin/tenants/duework/health/"):
        assert owner.get(url).status_code == 404


def test_ids_that_do_not_exist_are_not_found(owner: Client) -> None:
    for url in (
        "/admin/campaigns/campaign/999/change/",
        "/admin/contacts/import/999/change/",
        "/admin/campaigns/template/999/preview/",
    ):
        assert owner.get(url).status_code == 404
