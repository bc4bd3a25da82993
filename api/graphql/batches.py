"""What a query needs beside its rows, looked up for all rows at once, however deep they stand."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from django.db.models import Model

from campaigns.models import Campaign
from campaigns.reports import Figures, campaign_figures
from contacts.models import Contact, DataSource, Tag
from contacts.sources.counting import contact_counts
from contacts.targeting import tag_counts

Value = TypeVar("Value")


class Batch(Generic[Value]):
    """Values by id. The first one that is asked for is looked up together with all that were announced before it."""

    def __init__(self, look_up: Callable[[list[int]], Mapping[int, Value]]) -> None:
        self._look_up = look_up
        self._waiting: set[int] = set()
        self._found: dict[int, Value | None] = {}

    def announce(self, ids: Iterable[int]) -> None:
        """These may be asked for. Nothing is looked up yet."""
        self._waiting.update(ids)

    def of(self, one: int) -> Value | None:
        """None where there is no such thing."""
        if one not in self._found:
            wanted = sorted((self._waiting | {one}) - self._found.keys())
            self._found.update(dict.fromkeys(wanted))
            self._found.update(self._look_up(wanted))
            self._waiting.clear()
        return self._found[one]


def _tags(ids: list[int]) -> Mapping[int, Tag]:
    return Tag.objects.in_bulk(ids)


def _figures(ids: list[int]) -> Mapping[int, Figures]:
    return campaign_figures(campaign_ids=ids)


@dataclass
class Batches:
    """Those of one call; it is what GraphQL calls the context."""

    tags: Batch[Tag] = field(default_factory=lambda: Batch(_tags))
    figures: Batch[Figures] = field(default_factory=lambda: Batch(_figures))
    source_counts: Batch[int] = field(default_factory=lambda: Batch(contact_counts))

    @cached_property
    def tag_counts(self) -> Mapping[int, int]:
        """Contacts by the id of their tag. One query."""
        return tag_counts()

    def announce(self, rows: Iterable[Model]) -> None:
        """What these rows may be asked for. Columns that were not read are not read for it."""
        for row in rows:
            known = row.__dict__
            if isinstance(row, Campaign):
                self.figures.announce([row.pk])
            elif isinstance(row, DataSource):
                self.source_counts.announce([row.pk])
            elif isinstance(row, Contact):
                self.tags.announce(known.get("tags", ()))
                self.source_counts.announce([known["source_id"]] if known.get("source_id") else ())
