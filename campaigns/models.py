"""What marketers make: templates and campaigns."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

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


class CampaignPart(models.Model):
    """One message of a campaign: the version of the template that one language's contacts get."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="parts")
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="campaign_part")
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+")
    language = models.CharField(max_length=12, default="", blank=True, help_text="of the contacts; empty: all others")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.language or 'all languages'}"
