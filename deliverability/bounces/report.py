"""What a mail that came back says about one recipient."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "hard",  # the address is dead
    "soft",  # may work later
    "block",  # our side or this mail was refused, not the address
    "delayed",  # only a warning: the server goes on trying
    "complaint",  # marked as spam
    "unsubscribe",  # asked not to get any more
    "auto_reply",  # out of office, ticket received: no delivery problem
    "delivered",  # a receipt
    "ignored",  # about somebody's mail, but not about a delivery: a DMARC failure report
    "unknown",  # a failure, for no reason we can read
]


@dataclass(frozen=True, slots=True)
class BounceReport:
    """`reason` is one of deliverability.verdicts.REASONS, or "". Texts are as the mail has them: anything may stand in them."""

    kind: Kind
    recipient: str | None = None
    reason: str = ""
    status: str = ""  # enhanced status code, "5.1.1"
    diagnostic: str = ""
    original_message_id: str | None = None
    token: str | None = None  # 48 hexadecimal digits found in our own addresses or Message-ID; not checked yet
