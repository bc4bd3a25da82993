import pytest

from campaigns.models import Template
from campaigns.services.checking import Severity, check_campaign
from contacts.models import ContactAttribute
from deliverability.services.domains import create_sending_domain
from outbound.models import ProviderAccount
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_tag, add_template

pytestmark = pytest.mark.usefixtures("acme")


def errors(campaign):
    return [str(problem) for problem in check_campaign(campaign=campaign) if problem.severity == Severity.ERROR]


def warnings(campaign):
    return [str(problem) for problem in check_campaign(campaign=campaign) if problem.severity == Severity.WARNING]


@pytest.fixture
def ready(acme):
    add_contacts(3)
    add_provider()
    create_sending_domain(name="acme.example")


def test_a_sound_campaign_has_no_problems(ready):
    assert check_campaign(campaign=add_campaign()) == []


def test_a_merge_field_that_no_contact_has_is_an_error_with_one_that_looks_like_it(ready):
    ContactAttribute.objects.create(key="company", label="Company")
    campaign = add_campaign(add_template(html="<p>{{ compny }} {{ unsubscribe_url }}</p>"))
    assert errors(campaign) == [
        "“News” shows {{ compny }}, which no contact has, and gives no default. Did you mean 'company'?"
    ]
    assert errors(add_campaign(add_template("B", html="<p>{{ company }} {{ email }} {{ country }}</p>"))) == []


def test_a_merge_field_with_a_default_is_fine(ready):
    template = add_template(html='<p>{{ compny | default("you") }}</p><a href="{{ unsubscribe_url }}">Leave</a>')
    assert check_campaign(campaign=add_campaign(template)) == []


def test_a_mail_without_a_way_to_leave_is_a_warning(ready):
    [warning] = warnings(add_campaign(add_template(html="<p>Hello</p>")))
    assert "There is no unsubscribe link" in warning


def test_an_empty_audience_is_an_error(ready):
    add_tag("vip")
    [error] = errors(add_campaign(tags_all=("vip",)))
    assert error.startswith("The audience is empty.")


def test_a_tag_that_was_removed_meanwhile_is_an_error(ready):
    add_tag("vip")
    campaign = add_campaign(exclude_tags=("vip",))
    campaign.exclude_tags = ["vip2"]
    assert errors(campaign) == ["There is no tag 'vip2'. Did you mean 'vip'?"]


def test_no_provider_or_one_that_is_off_is_an_error(ready):
    campaign = add_campaign(provider=ProviderAccount.objects.get())
    ProviderAccount.objects.update(is_active=False)
    campaign.refresh_from_db()
    assert errors(campaign) == ["The provider “Relay” is switched off."]
    assert errors(add_campaign(Template.objects.get())) == [
        "There is nobody to send it: no provider is set up. Add a provider first."
    ]


def test_an_unsigned_sender_is_a_warning(ready):
    campaign = add_campaign(sender="news@other.example")
    [warning] = warnings(campaign)
    assert warning.startswith("The mail will not be signed: other.example has no DKIM key.")


def test_every_version_that_somebody_would_get_is_checked(ready):
    add_contacts(2, language="fr", prefix="fr")
    main = add_template()
    add_template(language="fr", html="<p>{{ prenom }}</p>")
    add_template(language="de", html="<p>{{ vorname }}</p>")
    found = errors(add_campaign(main))
    assert [error.split(",")[0] for error in found] == ["“News (fr)” shows {{ prenom }}"]
