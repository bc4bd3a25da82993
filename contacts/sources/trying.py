"""Trying a source out: one page is read and shown as it would come in, nothing is written."""

from dataclasses import dataclass

from django.conf import settings

from common.errors import Conflict
from common.outgoing import Limits
from common.secrets import unseal
from contacts.importing.notes import Note, Notes
from contacts.models import ContactAttribute, DataSource
from contacts.sources.client import read_page
from contacts.sources.config import read_config
from contacts.sources.paging import next_position, request_for
from contacts.sources.rows import Reject, Row, RowMaker

_SHOWN = 5
_LIMITS = Limits(seconds=10, largest=5_000_000)  # somebody waits for it


@dataclass(frozen=True, slots=True)
class Trial:
    """What the first page holds; `rows` and `rejects` are the first of each."""

    items: int
    rows: list[Row]
    rejects: list[Reject]
    duplicates: int
    notes: list[Note]
    has_more: bool


def try_source(source: DataSource) -> Trial:
    """Raises Conflict for a source that is not read by pages, SourceFault, SourceAway, and what `fetch` raises."""
    if source.type not in (DataSource.Type.SCRAPER_PRO, DataSource.Type.BACKLINK_ENGINE) or not source.config.get(
        "url"
    ):
        raise Conflict(f"{source.name} has no pages to try.", hint="Only sources with a URL that answers in JSON have.")
    config = read_config(source.type, source.config)
    secret = unseal(source.sealed_secret, settings.SECRET_KEY)
    page = read_page(config, request_for(config, {}, ""), secret=secret, limits=_LIMITS)
    maker = RowMaker(config, known=dict(ContactAttribute.objects.values_list("key", "type")), notes=Notes())
    made = maker.make(page.items)
    return Trial(
        items=len(page.items),
        rows=made.rows[:_SHOWN],
        rejects=made.rejects[:_SHOWN],
        duplicates=made.duplicates,
        notes=maker.notes.all(),
        has_more=next_position(config, {}, page) is not None,
    )
