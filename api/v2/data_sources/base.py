"""What the views of data sources share."""

from typing import Any

from api.v2.views import V2View
from common.destinations import UrlRefused
from common.errors import NotFound
from contacts.models import DataSource


class SourceView(V2View):
    """A view about data sources; each says its own scopes."""

    def handle_exception(self, exc: Exception) -> Any:
        """Where a source is asked, its URL is refused by the field it has in a body."""
        if isinstance(exc, UrlRefused) and exc.field == "url":
            exc.field = "config.url"
        return super().handle_exception(exc)


def source_of(source_id: int) -> DataSource:
    """Raises NotFound."""
    source = DataSource.objects.filter(pk=source_id).first()
    if source is None:
        raise NotFound("There is no such data source.", field="source_id")
    return source
