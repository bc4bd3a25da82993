"""Who gets a campaign: audiences, their exact size, and the query that freezes them. See docs/adr/0003-audience.md."""

from contacts.targeting.audience import AttributeIs, Audience, Operator
from contacts.targeting.counting import (
    ContactCounts,
    contact_counts,
    count_audience,
    count_by_language,
    language_counts,
    status_counts,
    tag_counts,
)
from contacts.targeting.refreshing import refresh_facets, refresh_later
from contacts.targeting.resolving import did_you_mean, tag_ids
from contacts.targeting.selecting import audience_query, held_query, hold_audience, sample_audience

__all__ = [
    "AttributeIs",
    "Audience",
    "ContactCounts",
    "Operator",
    "audience_query",
    "contact_counts",
    "count_audience",
    "count_by_language",
    "did_you_mean",
    "held_query",
    "hold_audience",
    "language_counts",
    "refresh_facets",
    "refresh_later",
    "sample_audience",
    "status_counts",
    "tag_counts",
    "tag_ids",
]
