"""Whom we write to: contacts with their tags and attributes, where they came from, and who must not be written to."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
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


class ValidationState(models.TextChoices):
    """What is known about whether mail reaches the address. It says nothing about whether it may be mailed."""

    PENDING = "pending", "Pending: not checked yet, or the DNS gave no answer"
    VALID = "valid", "Valid: its domain takes mail"
    RISKY = "risky", "Risky: a throw-away address, a role, or a slip of the keyboard"
    INVALID = "invalid", "Invalid: mail cannot reach it"


class ValidationReason(models.TextChoices):
    """Why an address is not simply valid."""

    SYNTAX = "syntax", "It is no address"
    NO_DOMAIN = "no_domain", "There is no such domain"
    NO_MAIL_SERVER = "no_mail_server", "The domain has no server for mail"
    NULL_MX = "null_mx", "The domain says that it takes no mail"
    TYPO = "typo", "It looks like a misspelled domain of a large provider"
    DISPOSABLE = "disposable", "A throw-away address"
    ROLE = "role", "A function, not a person"
    UNANSWERED = "unanswered", "The DNS gave no answer; it is asked again"


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
    config = models.JSONField(
        default=dict, blank=True, help_text="as contacts.sources.config reads it; no secret in it"
    )
    sealed_secret = models.TextField(default="", blank=True, help_text="token or password, see common.secrets")
    is_active = models.BooleanField(default=True)
    high_water = models.CharField(max_length=64, default="", blank=True, help_text="newest change that was synced")
    last_sync_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SourceRun(models.Model):
    """One sync of a data source: how far it is and what became of the items."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting to begin"
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed: the next sync goes on where it stopped, if the source lets it"

    source = models.ForeignKey(DataSource, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    force = models.BooleanField(default=False, help_text="everything, not only what changed since the last sync")
    config = models.JSONField(default=dict, blank=True, help_text="the source's, as it was when the run was asked for")
    position = models.JSONField(default=dict, blank=True, help_text="what comes next; empty: the beginning")
    since = models.CharField(max_length=64, default="", blank=True, help_text="high-water mark it began with")
    high_water = models.CharField(max_length=64, default="", blank=True, help_text="newest change met so far")
    attempts = models.PositiveIntegerField(default=0, help_text="failed requests in a row")
    wait_until = models.DateTimeField(null=True, blank=True, help_text="the source is not asked before")
    pages = models.BigIntegerField(default=0)
    seen = models.BigIntegerField(default=0)
    created = models.BigIntegerField(default=0)
    updated = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    invalid = models.BigIntegerField(default=0)
    rejects = models.JSONField(default=list, blank=True, help_text="the first items that were refused: page, item, why")
    notes = models.JSONField(default=list, blank=True, help_text="what was left out: message, example, count, item")
    error = models.TextField(default="", blank=True)
    requested_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=models.Q(state__in=["waiting", "running"]), name="source_run_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source_id}: {self.state}"


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
    email_key = models.CharField(max_length=320)
    needs_smtputf8 = models.BooleanField(default=False)
    first_name = models.TextField(default="", blank=True)
    last_name = models.TextField(default="", blank=True)
    language = models.CharField(max_length=12, default="", blank=True, help_text="BCP 47, lower case: fr, pt-br")
    timezone = models.CharField(max_length=64, default="", blank=True)
    country = models.CharField(max_length=64, default="", blank=True)
    status = models.CharField(max_length=12, choices=ContactStatus.choices, default=ContactStatus.ACTIVE)
    tags = ArrayField(models.IntegerField(), default=list, blank=True, help_text="ids of Tag, sorted")
    attributes = models.JSONField(default=dict, blank=True)
    source = models.ForeignKey(
        DataSource, on_delete=models.PROTECT, null=True, blank=True, related_name="contacts", db_index=False
    )
    consent_at = models.DateTimeField(null=True, blank=True)
    consent_ip = models.GenericIPAddressField(null=True, blank=True)
    consent_note = models.TextField(default="", blank=True)
    # A new address makes it pending again: the database sees to that. The defaults are the database's own, because
    # contacts are also written without Django.
    validation_state = models.CharField(
        max_length=8,
        choices=ValidationState.choices,
        default=ValidationState.PENDING,
        db_default=ValidationState.PENDING,
        editable=False,
    )
    validation_reason = models.CharField(
        max_length=16, choices=ValidationReason.choices, default="", db_default="", blank=True, editable=False
    )
    validated_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # Finds beginnings of addresses as well: `unique` on the field would make a second index for those.
            models.UniqueConstraint(fields=["email_key"], name="contact_email_key", opclasses=["varchar_pattern_ops"])
        ]
        indexes = [
            # Both collect their entries (fastupdate): an import must not pay for every tag and value of every row at
            # once. They collect few (kilobytes): whoever looks for contacts reads through what was collected.
            GinIndex(fields=["tags"], name="contact_tags", fastupdate=True, gin_pending_list_limit=512),
            GinIndex(
                fields=["attributes"],
                name="contact_attributes",
                opclasses=["jsonb_path_ops"],
                gin_pending_list_limit=1024,
            ),
            # Most contacts of a file have none.
            models.Index(fields=["source"], name="contact_source", condition=models.Q(source__isnull=False)),
            models.Index(fields=["id"], name="contact_pending", condition=models.Q(validation_state="pending")),
            # Lists of one status, the newest first. Nearly everybody is active: those are found without an index.
            models.Index(fields=["status", "-id"], name="contact_not_active", condition=~models.Q(status="active")),
            models.Index(
                fields=["language", "id"], name="contact_language", opclasses=["varchar_pattern_ops", "int8_ops"]
            ),
            models.Index(fields=["country", "id"], name="contact_country"),
            # For programs that ask what has changed. A B-tree would cost every change of a contact an entry in each index.
            BrinIndex(fields=["updated_at"], name="contact_updated", autosummarize=True, pages_per_range=16),
            # Beginnings of names, whatever their case, have indexes too: migration 0007 makes them.
        ]

    def __str__(self) -> str:
        return self.email


class Segment(models.Model):
    """Contacts described by conditions, and found anew each time: contacts.segments."""

    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(default="", blank=True)
    tree = models.JSONField(help_text="the conditions, as contacts.segments.parsing reads them")
    last_count = models.BigIntegerField(null=True, blank=True, help_text="contacts it had when it was last counted")
    last_mailable = models.BigIntegerField(null=True, blank=True, help_text="of these, the ones that may be mailed")
    counted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


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
        indexes = [models.Index(fields=["reason", "-id"], name="suppression_reason")]

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


class ValidationRun(models.Model):
    """A check of many contacts: of those that are pending, or of those that are named."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting to begin"
        RUNNING = "running", "Running"
        RETRYING = "retrying", "Asks the DNS again where it gave no answer"
        FINISHED = "finished", "Finished"

    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    of_all = models.BooleanField(default=True, help_text="all that are pending; else those in contact_ids")
    contact_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    tag = models.ForeignKey(
        Tag, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="put on invalid contacts"
    )
    most = models.BigIntegerField(null=True, blank=True, help_text="of the pending ones; empty: all")
    last_id = models.BigIntegerField(help_text="contacts that were made later are left to the next run")
    position = models.BigIntegerField(default=0, help_text="id of the last contact that is dealt with in this round")
    round = models.SmallIntegerField(default=0, help_text="how often the DNS was asked again")
    total = models.BigIntegerField(default=0)
    checked = models.BigIntegerField(default=0)
    valid = models.BigIntegerField(default=0)
    risky = models.BigIntegerField(default=0)
    invalid = models.BigIntegerField(default=0)
    unanswered = models.BigIntegerField(default=0)
    error = models.TextField(default="", blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    again_at = models.DateTimeField(null=True, blank=True, help_text="when the DNS is asked again")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # Two at once would look at the same contacts. One that only asks again is in nobody's way.
            models.UniqueConstraint(
                fields=["of_all"],
                name="validation_of_all_once",
                condition=models.Q(of_all=True, state__in=["waiting", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"validation {self.pk}"
