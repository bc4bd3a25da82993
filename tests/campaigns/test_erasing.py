import pytest

from campaigns.reports import campaign_report, recipients
from campaigns.services.erasing import erase_person
from contacts.models import Contact
from outbound.events import record_event
from outbound.models import Event
from outbound.states import EventKind
from tests.campaigns.cast import add_campaign, add_contacts, add_provider
from tests.campaigns.report_cast import give_outcomes, send

pytestmark = pytest.mark.usefixtures("acme")


def test_an_erased_person_leaves_counts_and_nothing_else():
    add_contacts(20)
    add_provider()
    campaign = add_campaign()
    message = send(campaign)
    give_outcomes(message)
    for position in (0, 9):
        record_event(
            kind=EventKind.OPEN, message_id=message.pk, position=position, ip="192.0.2.7", agent="Mail 1.0", detail="x"
        )
    before = campaign_report(campaign=campaign).figures
    erased = erase_person(contact=Contact.objects.get(email="user9@example.com"))
    assert erased.scrubbed_rows == 2
    assert campaign_report(campaign=campaign).figures == before
    row = recipients(campaign=campaign).rows[9]
    assert (row.email, row.first_name, row.reason, row.state) == ("", "", "", "bounced hard")
    gone, kept = Event.objects.get(position=9), Event.objects.get(position=0)
    assert (gone.ip, gone.agent, gone.detail) == (None, None, None)
    assert (kept.ip, kept.agent) == ("192.0.2.7", "Mail 1.0")
