"""A recipient at a door: whose mail brought them, and who asks on their behalf."""

from datetime import UTC, datetime
from typing import NamedTuple

from api.public.directory import TenantEntry
from api.public.requests import Caller
from outbound.recording import Hit
from outbound.states import EventKind


class Visit(NamedTuple):
    """A named tuple, like Caller and Hit: one is made for every request, and a frozen dataclass costs four times as much."""

    tenant: TenantEntry
    message_id: int
    position: int
    caller: Caller

    def hit(self, kind: EventKind, link: int | None = None) -> Hit:
        return Hit(kind, self.message_id, self.position, datetime.now(UTC), link, self.caller.ip, self.caller.agent)
