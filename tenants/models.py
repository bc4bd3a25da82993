"""Who sends: tenants, their hosts, plans and keys. All of it lives in the public schema."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django_tenants.clone import CloneSchema
from django_tenants.models import DomainMixin, TenantMixin
from django_tenants.utils import schema_exists

SLUG = RegexValidator(
    r"^[a-z][a-z0-9_]{0,47}\Z",
    "Use 1 to 48 lower-case letters, digits and underscores, beginning with a letter.",
)


class Plan(models.Model):
    """What a tenant may use."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    hourly_limit = models.PositiveIntegerField(help_text="calls of the relay's API an hour; 0: any number")
    daily_limit = models.PositiveIntegerField(help_text="single messages a day, and calls of the relay's API")
    burst = models.PositiveIntegerField(help_text="calls of the relay's API in a second")

    class Meta:
        ordering = ["daily_limit"]

    def __str__(self) -> str:
        return self.name


class Tenant(TenantMixin):
    """One client of the lettershop. Everything it owns is in the schema named by its slug."""

    slug = models.CharField(max_length=48, unique=True, validators=[SLUG])
    name = models.CharField(max_length=120)
    workspace_id = models.CharField(max_length=64, unique=True, help_text="as the relay's clients know it: ws-001")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, related_name="+")
    is_active = models.BooleanField(default=True)
    in_doubt_policy = models.CharField(
        max_length=10,
        default="leave",
        choices=[("leave", "leave in doubt"), ("resend", "send again")],
        help_text="for messages of which nobody knows whether the provider took them",
    )
    tracks_single_mail = models.BooleanField(
        "Track opens and clicks of single mail",
        default=False,
        db_default=False,
        help_text="of what programs send, password resets included; campaigns say for themselves",
    )
    brand_domain = models.CharField(max_length=253, default="", blank=True, help_text="in ASCII form")
    sender_name = models.CharField(max_length=120, default="", blank=True, help_text="of campaigns that name no sender")
    sender_address = models.CharField(
        max_length=254, default="", blank=True, help_text="empty: news@ the first sending domain"
    )
    reply_to = models.CharField(max_length=254, default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    auto_create_schema = True
    auto_drop_schema = False

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name

    def create_schema(self, check_if_exists: bool = False, sync_schema: bool = True, verbosity: int = 1) -> bool:
        """Clone the template, its record of applied migrations included; the template itself is built by migrations."""
        if self.schema_name == settings.TENANT_TEMPLATE_SCHEMA:
            return bool(super().create_schema(check_if_exists, sync_schema, verbosity))
        if check_if_exists and schema_exists(self.schema_name):
            return False
        CloneSchema().clone_schema(settings.TENANT_TEMPLATE_SCHEMA, self.schema_name, clone_mode="DATA")
        return True


class Host(DomainMixin):
    """A host name that leads to a tenant: its desk, its tracking links."""

    def __str__(self) -> str:
        return str(self.domain)


class ApiKey(models.Model):
    """A key of one tenant. Only its bcrypt hash is kept; it is found by its public prefix."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16, unique=True, help_text="the part of the key that may be shown")
    hash = models.CharField(max_length=72)
    scopes = models.JSONField(default=list)
    is_admin = models.BooleanField(default=False, help_text="acts for any tenant")
    daily_limit = models.PositiveIntegerField(null=True, help_text="accepted sends a day (UTC); empty: the plan's")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="to the minute")
    allowed_addresses = models.JSONField(default=list, blank=True, help_text="networks it may be used from; empty: any")
    replaced_by = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class DueWork(models.Model):
    """Something of a tenant that must be looked at again: the tick reads this table, never every schema.

    A row is a hint that may be set too often and is removed when its work is done; the truth about the
    work stands in the tenant's schema.
    """

    schema = models.CharField(max_length=63)
    task = models.CharField(max_length=100, help_text="name of the Celery task")
    reference = models.BigIntegerField(help_text="its argument, for instance a message's id")
    due_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("schema", "task", "reference", name="due_work_once")]
        indexes = [models.Index(fields=["due_at"], name="due_work_due_at")]

    def __str__(self) -> str:
        return f"{self.task}({self.reference}) in {self.schema}"


class Usage(models.Model):
    """What a key, a user, or a tenant as a whole has used of its daily limit."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    key_id = models.BigIntegerField(default=0, help_text="0: the tenant as a whole; below 0: one of its users")
    user_ref = models.CharField(
        max_length=200,
        default="",
        db_default="",
        blank=True,
        help_text="as a program names them; their key_id is below 0",
    )
    day = models.DateField(help_text="UTC")
    used = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "key_id", "day", name="usage_once")]
        indexes = [
            models.Index(fields=["day"], condition=models.Q(key_id=0), include=["used"], name="usage_of_tenants")
        ]

    def __str__(self) -> str:
        return f"{self.used} on {self.day}"


class CallCount(models.Model):
    """Calls in one window, counted here while Redis is away. The table is not logged: a crash may empty it."""

    name = models.CharField(max_length=200, primary_key=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    most = models.BigIntegerField()
    used = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.used} of {self.most}"


class WaitingMail(models.Model):
    """A tenant whose single messages wait to be sent: the senders read this table, never every schema."""

    schema = models.CharField(max_length=63, primary_key=True)
    due_at = models.DateTimeField(db_index=True, help_text="of the first of its single messages")

    def __str__(self) -> str:
        return f"{self.schema} from {self.due_at}"


class Setting(models.Model):
    """Something an operator changed while the installation runs; what has no row is as the environment says."""

    name = models.CharField(max_length=80, primary_key=True)
    value = models.JSONField()
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
