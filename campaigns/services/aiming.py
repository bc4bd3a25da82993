"""Tags that campaigns are aimed by: none is deleted while a campaign that needs it is on its way."""

from django.db import transaction
from django.db.models import Q

from campaigns.models import Campaign
from common.database import connection
from common.errors import Conflict
from contacts.models import Tag
from contacts.services.tagging import delete_tag
from contacts.targeting import tag_ids

# In these states a campaign without one of its tags would go to others than it was aimed at, or to nobody.
_ON_THEIR_WAY = (Campaign.State.SCHEDULED, Campaign.State.SENDING, Campaign.State.PAUSED)
_FIELDS = ("tags_all", "tags_any", "exclude_tags")


def remove_tag(*, tag: Tag) -> int:
    """Delete a tag and take it off everybody; returns how many had it.

    Raises Conflict while a campaign that is on its way is aimed by it. A campaign that is sent meanwhile waits in
    `hold_tags`, or this waits for it: one of the two is refused.
    """
    with transaction.atomic():
        Tag.objects.select_for_update().filter(pk=tag.pk).first()
        _refuse_while_aimed_at(tag)
        return delete_tag(tag=tag)


def hold_tags(campaign: Campaign) -> None:
    """Keep the campaign's tags from being deleted until the transaction ends. Raises InvalidInput for one that is gone."""
    slugs = {slug for field in _FIELDS for slug in getattr(campaign, field)}
    if not slugs:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT slug FROM contacts_tag WHERE slug = ANY(%s) ORDER BY id FOR KEY SHARE", [list(slugs)])
        held = {slug for (slug,) in cursor.fetchall()}
    if held == slugs:
        return
    for field in _FIELDS:
        tag_ids(field, getattr(campaign, field))


def _refuse_while_aimed_at(tag: Tag) -> None:
    aimed = Q(*((f"{field}__contains", [tag.slug]) for field in _FIELDS), _connector=Q.OR)
    campaign = Campaign.objects.filter(aimed, state__in=_ON_THEIR_WAY).order_by("pk").first()
    if campaign is not None:
        raise Conflict(
            f"Campaign {campaign.pk} is {campaign.state} and aimed by this tag.",
            hint="Cancel it, or wait until it is sent.",
        )
