"""A sync that went well."""

from django.utils import timezone

from contacts.models import DataSource, SourceRun
from contacts.targeting.refreshing import refresh_later


def end_run(run: SourceRun, *, mark: str) -> None:
    """The run is finished; the next one asks for what came after `mark`. Part of the caller's transaction."""
    now = timezone.now()
    SourceRun.objects.filter(pk=run.pk).update(state=SourceRun.State.FINISHED, finished_at=now)
    DataSource.objects.filter(pk=run.source_id).update(high_water=mark, last_sync_at=now, last_error="")
    refresh_later()
