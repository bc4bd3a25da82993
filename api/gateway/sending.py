"""Taking one message in: whose quota it counts against, and what the log is told of it."""

import logging

from api.access import Caller
from api.access.end_users import on_behalf
from api.gateway.quota import daily_limit
from outbound.submission.submitting import submit_message
from outbound.submission.types import Accepted, Submission, Submitter
from tenants.models import Tenant

log = logging.getLogger(__name__)


def send(submission: Submission, *, caller: Caller, tenant: Tenant) -> Accepted:
    """What `submit_message` does, for a key of the gateway. Raises what that raises."""
    done = submit_message(on_behalf(caller, submission), submitter=submitter_of(caller, tenant))
    note_accepted(done, recipient=submission.to[0].address, key_id=caller.key_id)
    return done


def submitter_of(caller: Caller, tenant: Tenant) -> Submitter:
    """Whose quota a send counts against, and how large that is."""
    of_plan = tenant.plan.daily_limit if tenant.plan is not None else None
    return Submitter(caller.key_id, daily_limit(of_key=caller.daily_limit, of_plan=of_plan))


def note_accepted(done: Accepted, *, recipient: str, key_id: int | None) -> None:
    """G5: the line by which one message is followed through the log."""
    told = {"api_key_id": key_id, "recipient": recipient, "message_id": f"msg_{done.public_id}"}
    log.info("Email queued for delivery", extra=told)
