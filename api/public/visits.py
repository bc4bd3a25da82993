"""A recipient at a door: whose mail brought them, and who asks on their behalf."""

from dataclasses import dataclass
from datetime import UTC, datetime

from api.public.directory import TenantEntry
from api.public.requests import Caller
from outbound.recording import Hit
from outbound.states import EventKind


@dataclass(frozen=True, slots=True)
class Visit:
    tenant: TenantEntry
    message_id: int
    position: int
    caller: Caller

    def hit(self, kind: EventKind, link: int | None = None) -> Hit:
        return Hit(kind, self.message_id, self.position, datetime.now(UTC), link, self.caller.ip, self.caller.agent)
