"""What contacts did with campaigns' mail, for segments: the campaigns a tree names, and their messages."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from campaigns.models import Campaign, CampaignPart
from common.errors import InvalidInput
from contacts.segments import Did, DidSo
from outbound.behaviour import Asked, Kind, blocks_query, can_use_bits, contacts_query
from outbound.deeds import messages_with_bits


def campaign_behaviour(deeds: Iterable[Did], now: datetime) -> Mapping[Did, DidSo]:
    """A contacts.segments.Behaviour. A campaign that was not sent yet nobody opened; one that is not there is refused."""
    asked = list(deeds)
    messages = _messages({did.campaign_id for did in asked})
    _refuse_unknown(asked, messages)
    questions = {did: _asked(did, messages, now) for did in asked}
    wanted = {one for question in questions.values() if _has_bits(question) for one in question.message_ids}
    known = messages_with_bits(wanted) if wanted else frozenset()
    return {did: _did_so(question, known) for did, question in questions.items()}


def _did_so(asked: Asked, known: frozenset[int]) -> DidSo:
    found = tuple(one for one in asked.message_ids if one in known) if _has_bits(asked) else ()
    asked = replace(asked, with_bits=found)
    return DidSo(partial(contacts_query, asked), partial(blocks_query, asked) if found else None)


def _has_bits(asked: Asked) -> bool:
    return can_use_bits(asked.kind, asked.link)


def _asked(did: Did, messages: Mapping[int, list[int]], now: datetime) -> Asked:
    if did.campaign_id is None:
        ids = tuple(message for made in messages.values() for message in made)
    else:
        ids = tuple(messages.get(did.campaign_id, ()))
    since = now - timedelta(days=did.within_days) if did.within_days else None
    return Asked(kind=Kind(did.deed.value), message_ids=ids, since=since, link=did.link)


def _messages(campaign_ids: set[int | None]) -> dict[int, list[int]]:
    """The messages of these campaigns; with None among them, of all."""
    parts = CampaignPart.objects.all()
    if None not in campaign_ids:
        parts = parts.filter(campaign_id__in=[each for each in campaign_ids if each is not None])
    found: dict[int, list[int]] = {}
    for campaign_id, message_id in parts.order_by("message_id").values_list("campaign_id", "message_id"):
        found.setdefault(campaign_id, []).append(message_id)
    return found


def _refuse_unknown(asked: list[Did], messages: Mapping[int, list[int]]) -> None:
    unsent = {did.campaign_id for did in asked if did.campaign_id is not None and did.campaign_id not in messages}
    known = set(Campaign.objects.filter(pk__in=unsent).values_list("pk", flat=True)) if unsent else set()
    for did in asked:
        if did.campaign_id in unsent - known:
            place = f"{did.place}.{did.deed}" if did.place else did.deed.value
            raise InvalidInput(f"There is no campaign {did.campaign_id}.", field=f"{place}.campaign_id")
