"""Use cases of the engine: what campaigns and the sending doors call."""

from outbound.services.control import cancel_message, pause_message, resume_message, start_message
from outbound.services.planning import freeze_audience, plan_message
from outbound.services.working import Work, work_inline, work_on

__all__ = [
    "Work",
    "cancel_message",
    "freeze_audience",
    "pause_message",
    "plan_message",
    "resume_message",
    "start_message",
    "work_inline",
    "work_on",
]
