"""Whom we write to: contacts with their tags and attributes, where they came from, and who must not be written to."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class ContactStatus(models.TextChoices):
    """Whether a contact may be mailed. Only active ones are."""

    ACTIVE = "active", "Active: may be mailed"
    UNCONFIRMED = "unconfirmed", "Unconfirmed: has not confirmed yet, is not mailed"
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed: asked not to get marketing"
    BOUNCED = "bounced", "Bounced: the address is dead"
    COMPLAINED = "complained", "Complained: marked a mail as spam"
    SUPPRESSED = "suppressed", "Suppressed: on the tenant's suppression list"


class SuppressionReason(models.TextChoices):
    """Why an address is not mailed; the first three also as ContactStatus."""

    UNSUBSCRIBED = "unsubscribed", "Unsubscribed: no marketing; transactional mail still goes out"
    HARD_BOUNCE = "hard_bounce", "Hard bounce: the address is dead, nothing goes out"
    COMPLAINT = "complaint", "Complaint: nothing goes out"
    MANUAL = "manual", "Entered by hand or by an import: no marketing"


class AttributeType(models.TextChoices):
    TEXT = "text", "Text"
    NUMBER = "number", "Number"
    BOOLEAN = "boolean", "Yes or no"
    DATE = "date", "Date"
    JSON = "json", "List or object"


class DataSource(models.Model):
    """Where contacts come from."""

    class Type(models.TextChoices):
        SCRAPER_PRO = "scraper-pro", "Scraper-Pro"
        BACKLINK_ENGINE = "backlink-engine", "Backlink Engine"
        CSV = "csv", "CSV file"
        MANUAL = "manual", "By hand"

    name = models.CharField(max_length=120, unique=True)
    type = models.CharField(max_length=20, choices=Type.choices, default=Type.CSV)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word put on contacts; campaigns are aimed by tags."""

    slug = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class ContactAttribute(models.Model):
    """A field of the tenant's own on its contacts: its key in Contact.attributes and its type."""

    key = models.CharField(max_length=63, unique=True)
    label = models.CharField(max_length=120)
    type = models.CharField(max_length=10, choices=AttributeType.choices, default=AttributeType.TEXT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.label


class Contact(models.Model):
    """A person or mailbox. `email_key` decides who is the same: see common.addresses."""

    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320, unique=True)
    needs_smtputf8 = models.BooleanField(default=False)
    first_name = models.TextField(default="", blank=True)
    last_name = models.TextField(default="", blank=True)
    language = models.CharField(max_length=12, default="", blank=True, help_text="BCP 47, lower case: fr, pt-br")
    timezone = models.CharField(max_length=64, default="", blank=True)
    country = models.CharField(max_length=64, default="", blank=True)
    status = models.CharField(max_length=12, choices=ContactStatus.choices, default=ContactStatus.ACTIVE)
    tags = ArrayField(models.IntegerField(), default=list, blank=True, help_text="ids of Tag, sorted")
    attributes = models.JSONField(default=dict, blank=True)
    source = models.ForeignKey(DataSource, on_delete=models.PROTECT, null=True, blank=True, related_name="contacts")
    consent_at = models.DateTimeField(null=True, blank=True)
    consent_ip = models.GenericIPAddressField(null=True, blank=True)
    consent_note = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            GinIndex(fields=["tags"], name="contact_tags", fastupdate=False),
            # Collects its entries (fastupdate): an import must not pay for every value of every row at once.
            GinIndex(fields=["attributes"], name="contact_attributes", opclasses=["jsonb_path_ops"]),
        ]

    def __str__(self) -> str:
        return self.email


class Suppression(models.Model):
    """An address that is not mailed, for one reason; it may stand here for several."""

    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320)
    reason = models.CharField(max_length=12, choices=SuppressionReason.choices)
    note = models.TextField(default="", blank=True)
    origin = models.CharField(max_length=120, default="", blank=True, help_text="what put it here")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint("email_key", "reason", name="suppression_once")]

    def __str__(self) -> str:
        return f"{self.email} ({self.reason})"


class Import(models.Model):
    """One import of a file: how far it is and what became of its rows."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting to begin"
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        REFUSED = "refused", "Refused: the file as a whole cannot be imported"
        FAILED = "failed", "Stopped by a fault; it can be resumed"

    class Mode(models.TextChoices):
        ADD = "add", "Add: new contacts only; known ones get the tags"
        UPDATE = "update", "Update: known contacts get the file's values"
        SUPPRESS = "suppress", "Suppress: the addresses must not be mailed"

    file_name = models.CharField(max_length=255)
    path = models.TextField()
    size = models.BigIntegerField(default=0, help_text="bytes")
    sha256 = models.CharField(max_length=64, default="", blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.UPDATE)
    mapping = models.JSONField(default=dict, blank=True, help_text="heading to field, as given by a person")
    tags = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    source = models.ForeignKey(DataSource, on_delete=models.SET_NULL, null=True, blank=True, related_name="imports")
    position = models.BigIntegerField(default=0, help_text="bytes of the file that are dealt with")
    line = models.BigIntegerField(default=0, help_text="last line that is dealt with")
    rows_total = models.BigIntegerField(default=0)
    created = models.BigIntegerField(default=0)
    updated = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    invalid = models.BigIntegerField(default=0)
    suppressed = models.BigIntegerField(default=0)
    error = models.TextField(default="", blank=True)
    warnings = models.JSONField(
        default=list, blank=True, help_text="what was noted: message, example, count, first line"
    )
    resume_state = models.JSONField(
        default=dict, blank=True, help_text="what a resumed import must know of the first part"
    )
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name


class ImportReject(models.Model):
    """A row that was not imported: where it stands in the file, why, and what it said."""

    run = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rejects")
    line = models.BigIntegerField()
    reason = models.TextField()
    cells = ArrayField(models.TextField(), default=list)

    class Meta:
        ordering = ["line"]
        indexes = [models.Index(fields=["run", "line"], name="import_reject_line")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
