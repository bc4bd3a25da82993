"""As whom we send: sending domains and the keys that sign for them."""

from django.db import models


class SendingDomain(models.Model):
    """A domain the tenant sends as."""

    name = models.CharField(max_length=253, unique=True, help_text="in ASCII form")
    bounce_domain = models.CharField(
        max_length=253,
        default="",
        blank=True,
        help_text="domain of envelope senders; empty: the installation's, or this one",
    )
    tracking_url = models.CharField(
        max_length=253,
        default="",
        blank=True,
        help_text="https://t.example.com: base of tracked links; empty: the tenant's host",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class DkimKey(models.Model):
    """A signing key of a domain. The private part is encrypted at rest (common.secrets)."""

    class Algorithm(models.TextChoices):
        RSA = "rsa-sha256", "RSA 2048"
        ED25519 = "ed25519-sha256", "Ed25519"

    domain = models.ForeignKey(SendingDomain, on_delete=models.CASCADE, related_name="keys")
    selector = models.CharField(max_length=63)
    algorithm = models.CharField(max_length=16, choices=Algorithm.choices)
    sealed_private_key = models.TextField()
    record = models.TextField(help_text="value of the TXT record <selector>._domainkey.<domain>")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["selector"]
        constraints = [models.UniqueConstraint("domain", "selector", name="dkim_selector_once")]

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain.name}"
