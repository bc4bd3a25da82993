"""The header fields that a submitted message goes out with, as far as somebody asks for them afterwards."""

import json
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any

from deliverability.services.domains import domain_of
from outbound.submission.ids import public_id
from tenants.scope import current_tenant


def headers_as_sent(message_id: int, row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Message-ID and Date, as outbound.posting writes them, then the caller's own. `row`: columns of outbound_submission.

    One query: the id bears the name of the sending domain.
    """
    domain = domain_of(row["from_address"])
    name = domain.name if domain else row["from_address"].rpartition("@")[2].lower()
    return (
        ("Message-ID", f"<{public_id(current_tenant().pk, message_id)}@{name}>"),
        ("Date", format_datetime(row["created_at"])),
        *((field, value) for field, value in json.loads(row["headers"])),
    )
