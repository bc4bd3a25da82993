"""Downloads that are written while they are read, inside the tenant they belong to."""

from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse
from django.utils.text import get_valid_filename

from tenants.models import Tenant
from tenants.scope import current_tenant, tenant_scope


def csv_download(lines: Iterable[str], *, name: str) -> StreamingHttpResponse:
    """A CSV file of lines that may read the entered tenant's data; `name` without ending, however odd."""
    safe = get_valid_filename(name.strip() or "export")[:80].strip("._-") or "export"
    return StreamingHttpResponse(
        _inside(current_tenant(), lines),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{safe}.csv"'},
    )


def _inside(tenant: Tenant, lines: Iterable[str]) -> Iterator[str]:
    """The tenant was left when the response began: it is entered again while lines are read."""
    with tenant_scope(tenant):
        yield from lines
