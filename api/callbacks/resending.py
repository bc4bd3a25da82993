"""Sending again: what was given up, what went astray at the other end. The webhook-id stays the same."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from api.callbacks.listening import hold_deliveries
from api.callbacks.models import Delivery, Endpoint
from api.callbacks.waking import wake
from common.errors import Conflict, InvalidInput, NotFound


def resend_delivery(delivery_id: int, *, endpoint_id: int | None = None) -> Delivery:
    """Put one in line again, at once, with as many tries as a new one. What waits already is tried now.

    Raises NotFound, and Conflict for a test and while the endpoint is paused.
    """
    found = Delivery.objects.select_related("endpoint").filter(pk=delivery_id)
    delivery = (found if endpoint_id is None else found.filter(endpoint_id=endpoint_id)).first()
    if delivery is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    if delivery.endpoint.state != Endpoint.State.ACTIVE:
        raise Conflict("The endpoint is paused.", hint="Resume it first.")
    if delivery.message_id is None:
        raise Conflict("This was a test.", hint="Test the endpoint again.")
    resend_deliveries([delivery.pk])
    delivery.refresh_from_db()
    return delivery


def resend_deliveries(delivery_ids: Sequence[int]) -> int:
    """Put these in line again. Tests are left out; what is under way stays. Returns how many."""
    return _again(delivery_ids=list(delivery_ids))


def replay(endpoint_id: int, *, since: datetime, until: datetime | None = None) -> int:
    """Put everything in line again that happened from `since` until before `until` (now), delivered or not.

    Raises NotFound, InvalidInput when the times are the wrong way round, and Conflict while it is paused.
    """
    endpoint = Endpoint.objects.filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound(f"There is no endpoint {endpoint_id}.")
    if endpoint.state != Endpoint.State.ACTIVE:
        raise Conflict("The endpoint is paused.", hint="Resume it first.")
    end = until or timezone.now()
    if since >= end:
        raise InvalidInput("The time to begin with must be before the one to end with.", field="since")
    return _again(endpoint_id=endpoint_id, at__gte=since, at__lt=end)


def _again(*, delivery_ids: list[int] | None = None, **chosen: object) -> int:
    rows = Delivery.objects.filter(message_id__isnull=False, lease_until=None, **chosen)
    if delivery_ids is not None:
        rows = rows.filter(pk__in=delivery_ids)
    with transaction.atomic():
        hold_deliveries()
        changed = rows.update(state=Delivery.State.WAITING, tries=0, due_at=Now())
        if changed:
            wake()
    return changed
