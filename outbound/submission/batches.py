"""What taking a batch in works with: who asks for what, and what the database knows about it."""

from dataclasses import dataclass
from datetime import datetime

from outbound.submission.checks import Checked
from outbound.submission.types import Submitter


@dataclass(frozen=True, slots=True)
class Given:
    """A checked submission and whose quotas it counts against."""

    checked: Checked
    submitter: Submitter


@dataclass(frozen=True, slots=True)
class Facts:
    """The row of `statements.facts`."""

    now: datetime
    ids: list[int]
    suppressed: str | None
    domains: list[str] | None
    tenant_name: str
    sender_name: str
    sender_address: str
    reply_to: str
    tracks: bool
    tenant_daily: int | None
    first_domain: str | None
    providers: int
    providers_down: int
    span: int | None
    settings: str | None
    listeners: int
