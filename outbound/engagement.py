"""Opens and clicks of people: what is left of all of them without those of machines (deliverability/agents, recording)."""

from collections.abc import Iterable

from django.db.models import Sum

from outbound.models import Tally
from outbound.states import EventKind


def human_counts(message_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Recipients who opened, and who clicked, by message: each once, machines left out. One query.

    Every message that was asked for is in it. An open is a picture that was loaded: who clicks with pictures blocked
    has not opened. What was recorded before machines were told apart does not count.
    """
    wanted = list(message_ids)
    rows = Tally.objects.filter(message_id__in=wanted, link=-1, kind__in=(EventKind.OPEN, EventKind.CLICK))
    found = {
        (message_id, kind): people
        for message_id, kind, people in rows.values_list("message_id", "kind").annotate(Sum("human_uniques")).order_by()
    }
    return {each: (found.get((each, EventKind.OPEN), 0), found.get((each, EventKind.CLICK), 0)) for each in wanted}
