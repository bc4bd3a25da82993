"""The engine's tables: messages, their chunks, what became of each recipient, and events.

Recipient, Attempt, Event and Engagement grow without end: they are partitioned by the month of their message
(outbound/partitions.py) and appended to. A Recipient row appears with its first outcome; until then a
recipient is a position in a chunk.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from outbound.states import MessageState


class ProviderAccount(models.Model):
    """Somebody who takes our mail: an SMTP relay, or the API of a sending service."""

    class Type(models.TextChoices):
        SMTP = "smtp", "SMTP"

    class Tls(models.TextChoices):
        NONE = "none", "None"
        STARTTLS = "starttls", "STARTTLS"
        IMPLICIT = "implicit", "TLS from the first byte"

    name = models.CharField(max_length=120, unique=True)
    type = models.CharField(max_length=20, choices=Type.choices, default=Type.SMTP)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=25)
    tls = models.CharField(max_length=10, choices=Tls.choices, default=Tls.STARTTLS)
    verify_tls = models.BooleanField(default=True)
    username = models.CharField(max_length=255, default="", blank=True)
    sealed_password = models.TextField(default="", blank=True)
    connections = models.PositiveIntegerField(default=16, help_text="open at once, in each worker")
    rate = models.FloatField(default=0, help_text="messages a second over all workers; 0: as fast as it takes them")
    is_active = models.BooleanField(default=True)
    priority = models.PositiveSmallIntegerField(
        default=1, help_text="1 is asked first; the next only while all before it are down"
    )
    weight = models.PositiveSmallIntegerField(default=100, help_text="its share among those of one priority")
    down_since = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.TextField(default="", blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class Message(models.Model):
    """What is sent, frozen at the time of sending: content, sender and link table."""

    origin = models.CharField(max_length=40, default="", help_text="what asked for it: campaign:42")
    name = models.CharField(max_length=200, default="")
    state = models.CharField(max_length=10, choices=MessageState.choices, default=MessageState.PLANNED)
    month = models.DateField(help_text="first day of the month it was made in: the partition of all its rows")
    provider = models.ForeignKey(
        ProviderAccount,
        on_delete=models.PROTECT,
        null=True,
        related_name="messages",
        help_text="empty: chosen for each recipient when it is sent",
    )
    content = models.JSONField(help_text="subject, html, text, preheader")
    stamp = models.JSONField(help_text="sender, reply-to, domains, headers: outbound.stamping")
    links = models.JSONField(default=list, help_text="link table: index is the number in a tracked link")
    is_marketing = models.BooleanField(default=True)
    total = models.BigIntegerField(default=0, help_text="recipients frozen")
    error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name or f"message {self.pk}"


class Chunk(models.Model):
    """Up to 1,000 frozen recipients: the unit of leasing, progress and recovery.

    Position `first_position + i` is the contact `contact_ids[i]`; a retry chunk names its positions one by one.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open, or leased"
        DONE = "done", "Done: every position has an outcome"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="chunks")
    attempt = models.PositiveSmallIntegerField(default=1, help_text="1: first try")
    first_position = models.PositiveIntegerField(default=0)
    positions = ArrayField(models.IntegerField(), null=True, help_text="of a retry chunk")
    contact_ids = ArrayField(models.BigIntegerField())
    size = models.PositiveIntegerField()
    state = models.CharField(max_length=4, choices=State.choices, default=State.OPEN)
    owner = models.CharField(max_length=80, default="", help_text="who leases it: host:pid:random")
    fence = models.PositiveIntegerField(default=0, help_text="rises with every lease")
    lease_until = models.DateTimeField(null=True)
    watermark = models.PositiveIntegerField(default=0, help_text="indexes below it may have been handed over")
    handing_fence = models.PositiveIntegerField(
        default=0, help_text="the lease that handed over below the watermark: its journal counts"
    )
    done = models.PositiveIntegerField(default=0)
    sent = models.PositiveIntegerField(default=0)
    deferred = models.PositiveIntegerField(default=0)
    bounced = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    suppressed = models.PositiveIntegerField(default=0)
    in_doubt = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["message", "id"], name="chunk_open", condition=models.Q(state="open")),
            # Which chunk a position stands in: a report's page of recipients asks once for each queued one.
            models.Index(fields=["message", "first_position"], name="chunk_first", condition=models.Q(attempt=1)),
            # Which chunk a contact stands in: what one contact was sent lately. Chunks hold ascending ids.
            models.Index("message", "contact_ids__0", name="chunk_lowest", condition=models.Q(attempt=1)),
        ]

    def __str__(self) -> str:
        return f"chunk {self.pk} of message {self.message_id}"


class Recipient(models.Model):
    """The outcome for one position of a message. Partitioned; written by outbound.engine.store."""

    pk = models.CompositePrimaryKey("month", "message_id", "position")
    month = models.DateField()
    message_id = models.BigIntegerField()
    position = models.IntegerField()
    contact_id = models.BigIntegerField()
    state = models.SmallIntegerField(help_text="outbound.states.RecipientState")
    attempts = models.SmallIntegerField(default=1)
    code = models.SmallIntegerField(null=True, help_text="reply code of the provider, for instance 550")
    reason = models.TextField(null=True, help_text="enhanced status and text of the reply, or ours")  # noqa: DJ001
    at = models.DateTimeField(help_text="of the last change")
    next_at = models.DateTimeField(null=True, help_text="when a deferred one is tried again")
    provider_id = models.BigIntegerField(null=True, help_text="of a single message; else the message's own")

    class Meta:
        managed = False
        db_table = "outbound_recipient"

    def __str__(self) -> str:
        return f"{self.message_id}/{self.position}"


class Attempt(models.Model):
    """A try that did not end the matter: its reply is kept when the recipient's row moves on. Partitioned."""

    pk = models.CompositePrimaryKey("month", "message_id", "position", "number")
    month = models.DateField()
    message_id = models.BigIntegerField()
    position = models.IntegerField()
    number = models.SmallIntegerField()
    state = models.SmallIntegerField()
    code = models.SmallIntegerField(null=True)
    reason = models.TextField(null=True)  # noqa: DJ001
    at = models.DateTimeField()
    provider_id = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "outbound_attempt"

    def __str__(self) -> str:
        return f"{self.message_id}/{self.position} try {self.number}"


class Event(models.Model):
    """Something that happened to a recipient after the message left. Partitioned, appended only."""

    pk = models.CompositePrimaryKey("month", "id")
    month = models.DateField()
    id = models.BigIntegerField()
    at = models.DateTimeField()
    kind = models.SmallIntegerField(help_text="outbound.states.EventKind")
    message_id = models.BigIntegerField()
    position = models.IntegerField()
    link = models.SmallIntegerField(null=True, help_text="number in the message's link table")
    ip = models.GenericIPAddressField(null=True)
    agent = models.TextField(null=True, help_text="User-Agent, at most 300 characters")  # noqa: DJ001
    detail = models.TextField(null=True)  # noqa: DJ001
    human = models.BooleanField(null=True, help_text="an open or click: by a person; NULL: nobody asked at that time")

    class Meta:
        managed = False
        db_table = "outbound_event"

    def __str__(self) -> str:
        return f"event {self.id}"


class Engagement(models.Model):
    """What one recipient did, once: makes unique counts exact. Partitioned."""

    pk = models.CompositePrimaryKey("month", "message_id", "position")
    month = models.DateField()
    message_id = models.BigIntegerField()
    position = models.IntegerField()
    opened_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    unsubscribed_at = models.DateTimeField(null=True)
    complained_at = models.DateTimeField(null=True)
    bounced_at = models.DateTimeField(null=True)
    opens = models.IntegerField(default=0)
    clicks = models.IntegerField(default=0)
    links = ArrayField(models.SmallIntegerField(), default=list, help_text="numbers of the links clicked")
    human_opened_at = models.DateTimeField(null=True, help_text="first open by a person")
    human_clicked_at = models.DateTimeField(null=True, help_text="first click by a person")
    human_links = ArrayField(models.SmallIntegerField(), default=list, help_text="those of the links a person clicked")

    class Meta:
        managed = False
        db_table = "outbound_engagement"

    def __str__(self) -> str:
        return f"{self.message_id}/{self.position}"


class Tally(models.Model):
    """Events of a message, counted by hour as they arrive: what reports read."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="tallies")
    kind = models.SmallIntegerField()
    hour = models.DateTimeField()
    link = models.SmallIntegerField(default=-1, help_text="-1: the event is not about one link")
    count = models.BigIntegerField(default=0)
    uniques = models.BigIntegerField(default=0, help_text="recipients for whom it was the first of its kind (and link)")
    human_count = models.BigIntegerField(db_default=0, help_text="of them by people")
    human_uniques = models.BigIntegerField(
        db_default=0, help_text="recipients for whom it was the first by a person of its kind (and link)"
    )

    class Meta:
        constraints = [models.UniqueConstraint("message", "kind", "hour", "link", name="tally_once")]

    def __str__(self) -> str:
        return f"{self.count} of kind {self.kind}"


class Daily(models.Model):
    """What was sent and what happened on a day (UTC), counted as it is recorded: what statistics read.

    Writers add to rows of different slots, so that they seldom wait for each other; readers sum them
    (outbound/daily.py). All figures are recipients, but for `deferred`, `opens` and `clicks`.
    """

    pk = models.CompositePrimaryKey("day", "origin", "slot")
    day = models.DateField()
    origin = models.CharField(max_length=40, help_text="the word before the colon of Message.origin: campaign")
    slot = models.SmallIntegerField(help_text="0 to 3: the engine; 4 to 7: recorders; from 8: their corrections")
    sent = models.BigIntegerField(db_default=0, help_text="the provider took the mail")
    deferred = models.BigIntegerField(db_default=0, help_text="refusals for now (4xx)")
    refused_hard = models.BigIntegerField(db_default=0, help_text="refused at once: the address is dead")
    refused_soft = models.BigIntegerField(db_default=0, help_text="refused at once for another reason")
    failed = models.BigIntegerField(db_default=0)
    cancelled = models.BigIntegerField(db_default=0)
    suppressed = models.BigIntegerField(db_default=0)
    in_doubt = models.BigIntegerField(db_default=0, help_text="came into doubt; settled ones are counted as sent too")
    opens = models.BigIntegerField(db_default=0)
    opened = models.BigIntegerField(db_default=0, help_text="opened for the first time")
    clicks = models.BigIntegerField(db_default=0)
    clicked = models.BigIntegerField(db_default=0, help_text="clicked for the first time")
    human_opened = models.BigIntegerField(db_default=0, help_text="opened for the first time, by a person")
    human_clicked = models.BigIntegerField(db_default=0, help_text="clicked for the first time, by a person")
    unsubscribed = models.BigIntegerField(db_default=0)
    complained = models.BigIntegerField(db_default=0)
    confirmed = models.BigIntegerField(db_default=0, help_text="the provider says that the mailbox took it")
    bounced_hard = models.BigIntegerField(db_default=0, help_text="told later: the address is dead")
    bounced_soft = models.BigIntegerField(db_default=0, help_text="told later: refused for another reason")
    blocked = models.BigIntegerField(db_default=0, help_text="told later: our side was refused")
    came_back = models.BigIntegerField(db_default=0, help_text="the first of the three above")

    class Meta:
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day} {self.origin}/{self.slot}"
