"""Trying an endpoint out: one signed notice of the kind `test`, at once."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from api.callbacks.claiming import Claimed, message_name
from api.callbacks.courier import parcel_for
from api.callbacks.kinds import TEST
from api.callbacks.models import Delivery, Endpoint, event_name
from api.callbacks.sending import Parcel, post
from api.callbacks.wording import Notice
from common.errors import NotFound


@dataclass(frozen=True, slots=True)
class Trial:
    """A test that is ready to be posted."""

    endpoint: Endpoint
    event: uuid.UUID
    at: datetime
    parcel: Parcel


def prepare_trial(endpoint_id: int) -> Trial:
    """Raises NotFound, and Refused when the endpoint's secret cannot be decrypted."""
    endpoint = Endpoint.objects.filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound(f"There is no endpoint {endpoint_id}.")
    event, now = uuid.uuid4(), timezone.now()
    claimed = Claimed(0, endpoint.pk, event_name(event), 0, Notice(kind=TEST, at=now, message_id=message_name(None)))
    return Trial(endpoint, event, now, parcel_for(endpoint, claimed))


def try_endpoint(trial: Trial) -> Delivery:
    """Post a test, a paused endpoint's too, and keep in the log what came of it. It is not tried again, and says nothing
    about how the endpoint stands. Takes up to 15 seconds."""
    endpoint, event, now = trial.endpoint, trial.event, trial.at
    outcome = post(trial.parcel)
    return Delivery.objects.create(
        endpoint=endpoint,
        event_id=event,
        kind=TEST,
        at=now,
        state=Delivery.State.DELIVERED if outcome.taken else Delivery.State.GIVEN_UP,
        tries=1,
        due_at=now,
        last_try_at=now,
        last_status=outcome.status,
        last_error=outcome.error,
        duration_ms=outcome.duration_ms,
        answer=outcome.answer,
    )
