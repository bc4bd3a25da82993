"""The heartbeat, and the base of every task that belongs to a tenant."""

from typing import Any

from celery import current_app, shared_task
from tenant_schemas_celery.task import TenantTask

from common.database import connection
from common.errors import NoTenant
from tenants.services.due import claim_due


class OneTenantTask(TenantTask):
    """A task that refuses to run without a tenant, instead of doing its work in public."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if connection.schema_name == "public":
            raise NoTenant(f"The task {self.name} was started without a tenant.")
        return super().__call__(*args, **kwargs)


@shared_task(name="tenants.tick")
def tick() -> int:
    """Start what is due, each in its tenant. Returns how many were started."""
    # What no worker takes within ten seconds is claimed again: without an end, tasks would pile up behind a long one.
    due = claim_due()
    for schema, task, reference in due:
        current_app.send_task(task, args=[reference], headers={"_schema_name": schema}, expires=10)
    return len(due)
