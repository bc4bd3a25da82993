"""The operators' view of the engine: the list of due work, and the health page."""

from datetime import timedelta

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil
from unfold.decorators import display

from outbound.health import installation_checks
from tenants.desk.admin import ReadOnlyAdmin, View, needs
from tenants.models import DueWork
from tenants.sites import operator_site

# The tick starts what is due every two seconds: what is overdue by a minute was started by nobody.
STUCK_AFTER = timedelta(minutes=1)
# What a task is to a person; others are shown by name.
_IN_WORDS = {
    "outbound.send_message": "Send a message",
    "contacts.refresh_facets": "Refresh the figures of audiences",
    "contacts.run_import": "Import contacts",
}


@admin.register(DueWork, site=operator_site)
class QueueAdmin(ReadOnlyAdmin):
    """Everything that must be looked at again, the longest overdue first."""

    heading = "Due work"
    heading_of_one = "piece of work"
    counted = "pieces of work"
    list_display = ("what", "schema", "reference", "due", "standing")
    list_display_links = None
    list_filter = ("schema",)
    ordering = ("due_at",)
    actions = None
    empty_text = "Nothing waits: no tenant is sending, importing or trying again."

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (("health/", "health", health_page),)

    @display(description="Work", ordering="task")
    def what(self, work: DueWork) -> str:
        return _IN_WORDS.get(work.task, work.task)

    @display(description="Due", ordering="due_at")
    def due(self, work: DueWork) -> str:
        now = timezone.now()
        return f"{timesince(work.due_at, now)} ago" if work.due_at <= now else f"in {timeuntil(work.due_at, now)}"

    @display(description="State", label={"stuck": "danger", "waiting": "info"})
    def standing(self, work: DueWork) -> str:
        return "stuck" if work.due_at < timezone.now() - STUCK_AFTER else "waiting"


@needs("tenants.view_duework")
def health_page(request: HttpRequest, *, model_admin: QueueAdmin) -> HttpResponse:
    """Everything that can be wrong with the installation, and what to do."""
    checks = sorted(installation_checks(), key=lambda check: (check.ok, check.warning))
    return model_admin.render_page(
        request,
        "desk/health.html",
        title="Health",
        checks=checks,
        wrong=sum(not check.ok and not check.warning for check in checks),
        warnings=sum(check.warning for check in checks),
    )
