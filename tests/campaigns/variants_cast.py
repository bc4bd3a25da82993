"""What tests of variants share: a campaign that tries some, mail as if it were sent, and people who open it."""

from collections import Counter
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from campaigns.models import CampaignPart, SplitTest, Variant
from campaigns.services.planning import plan_campaign
from campaigns.services.sending import send_campaign
from campaigns.services.variants import VariantDraft, set_variants
from outbound.events import record_events
from outbound.models import Chunk, Message
from outbound.recording import Hit
from outbound.states import EventKind

PERSON = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
APPLE = "Mozilla/5.0"
SCANNER = "Mozilla/5.0 (compatible; Barracuda Sentinel)"


def try_out(campaign, *shares, **options):
    """Variants A, B, … with a subject each."""
    drafts = [
        VariantDraft(name=name, share=share, subject=f"Subject {name}")
        for name, share in zip("ABCDE", shares, strict=False)
    ]
    set_variants(campaign=campaign, variants=drafts, **options)


def begin(campaign):
    """Send it and freeze the audience."""
    send_campaign(campaign=campaign)
    assert plan_campaign(campaign.pk) == "sending"
    campaign.refresh_from_db()


def trial(campaign, name):
    """The one message of a variant."""
    return Message.objects.get(
        campaign_part__campaign=campaign, campaign_part__variant__name=name, campaign_part__is_rest=False
    )


def rest(campaign):
    return list(CampaignPart.objects.filter(campaign=campaign, is_rest=True).select_related("message").order_by("pk"))


def people(message):
    return sorted(i for chunk in message.chunks.all() for i in chunk.contact_ids)


def frozen(campaign):
    """How many messages each contact is in."""
    chunks = Chunk.objects.filter(message__campaign_part__campaign=campaign)
    return Counter(i for chunk in chunks for i in chunk.contact_ids)


def deliver(campaign):
    """As if the provider had taken the mail of all shares."""
    trials = Message.objects.filter(campaign_part__campaign=campaign, campaign_part__is_rest=False)
    Chunk.objects.filter(message__in=trials).update(state="done", done=F("size"), sent=F("size"))
    trials.update(state="finished", finished_at=timezone.now())


def happen(message, kind, count, *, agent=PERSON, first=0):
    """`count` recipients open or click, the one at position `first` being the first of them."""
    later = timezone.now() + timedelta(minutes=30)  # what comes at once is a machine's
    link = 0 if kind == EventKind.CLICK else None
    hits = [
        Hit(kind, message.pk, position, later, link, "192.0.2.7", agent) for position in range(first, first + count)
    ]
    assert record_events(hits).recorded == count


def let_time_pass(campaign):
    """The time of the decision has come."""
    SplitTest.objects.filter(campaign=campaign).update(decides_at=timezone.now() - timedelta(seconds=1))


def split_of(campaign):
    return SplitTest.objects.select_related("winner").get(campaign=campaign)


def variant(campaign, name):
    return Variant.objects.get(campaign=campaign, name=name)
