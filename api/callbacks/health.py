"""What the doctor says of customers' endpoints."""

from psycopg import sql

from common.database import connection
from outbound.health.check import Check, fine, worth_a_look
from tenants.models import Tenant

_NAMED = 5
_PAUSED_BY_ITSELF = """
SELECT {slug}, e.url, e.pause_reason FROM {endpoint} e WHERE e.state = 'paused' AND e.pause_reason <> ''
"""


def endpoint_check() -> Check:
    """Endpoints of all tenants that were paused by themselves, by one query. In the public schema."""
    tenants = Tenant.objects.filter(is_active=True).exclude(schema_name="public").values_list("slug", "schema_name")
    parts = [
        sql.SQL(_PAUSED_BY_ITSELF).format(slug=sql.Literal(slug), endpoint=sql.Identifier(schema, "callbacks_endpoint"))
        for slug, schema in tenants
    ]
    rows = []
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(" UNION ALL ").join(parts))
            rows = cursor.fetchall()
    if not rows:
        return fine("webhooks", "No customer's endpoint was paused by itself.")
    told = "; ".join(f"{slug}: {url}: {why}" for slug, url, why in rows[:_NAMED])
    more = f" And {len(rows) - _NAMED} more." if len(rows) > _NAMED else ""
    return worth_a_look(
        "webhooks", f"{told}{more}", "Tell the customer; what waits is sent when the endpoint is resumed at their desk."
    )
