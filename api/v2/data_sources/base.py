"""What the views of data sources share."""

from api.v2.views import V2View
from common.errors import NotFound
from contacts.models import DataSource


class SourceView(V2View):
    """A view about data sources; each says its own scopes."""


def source_of(source_id: int) -> DataSource:
    """Raises NotFound."""
    source = DataSource.objects.filter(pk=source_id).first()
    if source is None:
        raise NotFound("There is no such data source.", field="source_id")
    return source
