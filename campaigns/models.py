"""What marketers make: templates and campaigns."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from contacts.models import Segment
from outbound.models import Message, ProviderAccount


class Template(models.Model):
    """A mail to be filled in for each recipient. Templates of one name are its language and category versions."""

    name = models.CharField(max_length=120)
    language = models.CharField(max_length=12, default="", blank=True, help_text="fr, pt-br; empty: any")
    category = models.CharField(max_length=60, default="", blank=True, help_text="empty: any")
    subject = models.CharField(max_length=500)
    preheader = models.CharField(max_length=300, default="", blank=True)
    html = models.TextField(default="", blank=True)
    text = models.TextField(default="", blank=True, help_text="empty: made from the HTML")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "language", "category"]
        constraints = [models.UniqueConstraint("name", "language", "category", name="template_version_once")]

    def __str__(self) -> str:
        version = ", ".join(part for part in (self.language, self.category) if part)
        return f"{self.name} ({version})" if version else self.name


class Campaign(models.Model):
    """One mailing: a template, a sender and an audience."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        SCHEDULED = "scheduled", "Scheduled"
        SENDING = "sending", "Sending"
        PAUSED = "paused", "Paused"
        SENT = "sent", "Sent"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    name = models.CharField(max_length=200)
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="campaigns")
    provider = models.ForeignKey(
        ProviderAccount,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        help_text="empty: the first active one",
    )
    from_name = models.CharField(max_length=120, default="", blank=True)
    from_address = models.CharField(max_length=254)
    reply_to = models.CharField(max_length=254, default="", blank=True)
    tags_all = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    tags_any = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    exclude_tags = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    segment = models.ForeignKey(
        Segment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        help_text="its contacts only; empty: any",
    )
    language = models.CharField(max_length=12, default="", blank=True)
    category = models.CharField(max_length=60, default="", blank=True)
    track_opens = models.BooleanField(default=True)
    track_clicks = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    """One of the 2 to 5 mails that a campaign tries on a share of its audience, before the rest gets the best of them."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="variants")
    number = models.PositiveSmallIntegerField(help_text="order, from 1: of equals the first wins")
    name = models.CharField(max_length=80)
    template = models.ForeignKey(
        Template,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="variants",
        help_text="empty: the campaign's",
    )
    subject = models.CharField(max_length=500, default="", blank=True, help_text="empty: the template's")
    share = models.PositiveSmallIntegerField(help_text="percent of the audience")
    versions = models.JSONField(
        default=list, help_text="frozen with the audience: template, languages, content of each"
    )
    delivered = models.BigIntegerField(null=True, help_text="when the winner was chosen; so are the next two")
    human_opened = models.BigIntegerField(null=True, help_text="people who opened, without machines")
    human_clicked = models.BigIntegerField(null=True, help_text="people who clicked, without machines")

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint("campaign", "number", name="variant_number_once"),
            models.UniqueConstraint("campaign", "name", name="variant_name_once"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.name}"


class SplitTest(models.Model):
    """How a campaign's variants are compared, and what came of it. There is one exactly where there are variants."""

    class WinnerBy(models.TextChoices):
        OPENS = "opens", "Opens: people who opened, of those whom the mail reached"
        CLICKS = "clicks", "Clicks: people who clicked, of those whom the mail reached"
        HAND = "hand", "By hand"

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="split_test")
    winner_by = models.CharField(max_length=6, choices=WinnerBy.choices, default=WinnerBy.OPENS)
    decide_after_minutes = models.PositiveIntegerField(default=60, help_text="counted from the beginning of sending")
    decides_at = models.DateTimeField(null=True, blank=True, help_text="set with the audience; empty: not by itself")
    winner = models.ForeignKey(Variant, on_delete=models.RESTRICT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=6, choices=WinnerBy.choices, default="", blank=True)
    reason = models.TextField(default="", blank=True, help_text="why it won, in words")

    def __str__(self) -> str:
        return f"{self.campaign}: variants"


class CampaignPart(models.Model):
    """One message of a campaign: the version of the template that one language's contacts get.

    With variants there is one for each of them and each version, and one for each version of the rest. A part of
    the rest has no variant until a winner is chosen; until then its template and content are the first variant's.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="parts")
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="campaign_part")
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+")
    language = models.CharField(max_length=12, default="", blank=True, help_text="of the contacts; empty: all others")
    variant = models.ForeignKey(Variant, on_delete=models.RESTRICT, null=True, blank=True, related_name="parts")
    is_rest = models.BooleanField(default=False, help_text="those who get the winner")
    spoken = ArrayField(
        models.CharField(max_length=12),
        default=list,
        blank=True,
        help_text="of the rest: the languages of its contacts",
    )

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.language or 'all languages'}"


class TestSend(models.Model):
    """One test mail of a campaign to one address. Its number makes the mail's Message-ID; no report counts it."""

    __test__ = False  # its name is not that of a collection of tests

    class Result(models.TextChoices):
        WAITING = "waiting", "Being handed over"
        SENT = "sent", "The provider took it"
        REFUSED = "refused", "The provider refused it for good (5xx)"
        DEFERRED = "deferred", "The provider refused it for now (4xx); it is not tried again"
        SUPPRESSED = "suppressed", "The address bounced or complained before"
        FAILED = "failed", "It was not handed over"
        IN_DOUBT = "in_doubt", "Handed over, no answer"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="test_sends")
    email = models.CharField(max_length=320)
    result = models.CharField(max_length=10, choices=Result.choices, default=Result.WAITING)
    code = models.SmallIntegerField(null=True, help_text="reply code of the provider")
    reason = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.email}"
