"""Facets are rebuilt block by block, after the writers, never in their way."""

import json
import time
from typing import Any

from celery import shared_task
from django.db import transaction
from psycopg.types.json import Jsonb

from common.database import connection
from contacts.models import AttributeType, ContactAttribute
from tenants.services.due import done_with, note_due
from tenants.tasks import OneTenantTask

TASK = "contacts.refresh_facets"
BLOCKS_AT_ONCE = 16
# An attribute with more values than this among the newest contacts has them in buckets.
FEW_VALUES = 64
# What looked like few and is more in some block, or longer, has no facets there, nor have attributes beyond the first so
# many: they would outgrow the contacts.
MOST_VALUES = 256
BUCKETS = 32
LONGEST_VALUE = 200
MOST_KEYS = 60
_SAMPLE = 2000

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.contacts_facet', 0))"

# A key whose contact is not to be seen yet needs nothing: that contact's own insert notes its block.
_RESOLVE_KEYS = """
WITH gone AS (DELETE FROM contacts_stale WHERE email_key IS NOT NULL RETURNING email_key)
INSERT INTO contacts_stale (block, id)
SELECT DISTINCT (c.id >> 11)::int, c.id FROM gone JOIN contacts_contact c USING (email_key)
"""

# Attributes with many values among the newest contacts, and the values that part them into buckets of one size.
_SAMPLE_KEYS = """
SELECT a.key, to_jsonb(percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY a.value))
FROM (SELECT attributes FROM contacts_contact ORDER BY id DESC LIMIT %(sample)s) c, jsonb_each(c.attributes) a
WHERE a.key = ANY(%(keys)s) AND a.value <> 'null' GROUP BY a.key HAVING count(DISTINCT a.value) > %(values)s
"""

# One statement, hence one snapshot: what it reads of the contacts is exactly what it takes off the list of stale blocks.
_REBUILD = """
WITH chosen AS MATERIALIZED (
    SELECT DISTINCT block FROM contacts_stale WHERE email_key IS NULL ORDER BY block LIMIT %(limit)s
), noted AS (
    DELETE FROM contacts_stale WHERE block IN (SELECT block FROM chosen)
), old AS (
    DELETE FROM contacts_facet WHERE block IN (SELECT block FROM chosen)
), r AS MATERIALIZED (
    SELECT b.block, (c.id & 2047)::int AS position, set_bit(0::bit(2048), (c.id & 2047)::int, 1) AS bit,
        c.status, lower(c.language) AS language,
        c.tags, c.attributes, c.status = 'active' AND NOT EXISTS (
            SELECT 1 FROM contacts_suppression s WHERE s.email_key = c.email_key) AS mailable
    FROM chosen b JOIN contacts_contact c ON c.id >= b.block::bigint << 11 AND c.id < (b.block::bigint + 1) << 11
), fact AS (
    SELECT block, '*' AS facet, bit FROM r
    UNION ALL SELECT block, 'm', bit FROM r WHERE mailable
    UNION ALL SELECT block, 's:' || status, bit FROM r
    UNION ALL SELECT block, 'l:' || language, bit FROM r
    UNION ALL SELECT block, 't:' || t, bit FROM r, unnest(tags) t
), block_of AS MATERIALIZED (
    SELECT DISTINCT block FROM r
), valued AS MATERIALIZED (
    SELECT block, key, attributes -> key AS value, bit_or(bit) AS bits FROM r, unnest(%(narrow)s::text[]) AS key
    WHERE attributes ? key AND attributes -> key <> 'null' GROUP BY 1, 2, 3
), narrow AS (
    SELECT b.block, k.key FROM block_of b CROSS JOIN unnest(%(narrow)s::text[]) AS k(key)
    LEFT JOIN valued v ON v.block = b.block AND v.key = k.key
    GROUP BY 1, 2 HAVING count(v.value) <= %(values)s AND coalesce(max(pg_column_size(v.value)), 0) <= %(longest)s
), wide AS MATERIALIZED (
    SELECT key, ARRAY(SELECT jsonb_array_elements(bounds)) AS bounds FROM jsonb_each(%(wide)s) AS w(key, bounds)
), bucketed AS (
    SELECT block, key, width_bucket(attributes -> key, bounds) AS bucket, bit_or(bit) AS bits,
        array_agg(position::smallint) AS positions
    FROM r, wide WHERE attributes ? key AND attributes -> key <> 'null' GROUP BY 1, 2, 3
), made AS (
    INSERT INTO contacts_facet (facet, block, value, highest, positions, bits)
    SELECT facet, block, NULL::jsonb, NULL::jsonb, NULL::smallint[], bit_or(bit) FROM fact GROUP BY 1, 2
    UNION ALL SELECT 'a:' || key, block, value, NULL, NULL, bits FROM valued JOIN narrow USING (block, key)
    UNION ALL
    SELECT 'b:' || key, block, coalesce(bounds[bucket], 'null'), coalesce(bounds[bucket + 1], '{}'), positions, bits
    FROM bucketed JOIN wide USING (key)
    UNION ALL
    SELECT 'k:' || key, block, NULL, NULL, NULL, 0::bit(2048)
    FROM (TABLE narrow UNION ALL SELECT block, key FROM block_of, wide) k
)
SELECT count(*) FROM chosen
"""


@shared_task(base=OneTenantTask, name=TASK)
def refresh_task(reference: int = 0) -> bool:
    """Started by the tick when a count met many stale blocks."""
    if not refresh_facets(seconds=60):
        return False
    done_with(task=TASK, reference=reference)
    return True


def refresh_later() -> None:
    """Ask for a rebuild; for whoever changed many contacts."""
    note_due(task=TASK, reference=0)


def refresh_facets(*, seconds: float = 60.0) -> bool:
    """Rebuild stale blocks for up to `seconds`. True when none are left, False when time was up or another is at it."""
    until = time.monotonic() + seconds
    keys = _keys()
    while True:
        rebuilt = _rebuild(keys)
        if rebuilt is None:
            return False
        if rebuilt < BLOCKS_AT_ONCE:
            return True
        if time.monotonic() > until:
            return False


def _rebuild(keys: dict[str, Any]) -> int | None:
    """Rebuild some blocks and return how many; None when another is at it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        if cursor.fetchone() != (True,):
            return None
        cursor.execute(_RESOLVE_KEYS)
        limits: dict[str, Any] = {"limit": BLOCKS_AT_ONCE, "values": MOST_VALUES, "longest": LONGEST_VALUE}
        cursor.execute(_REBUILD, {**limits, **keys})
        (rebuilt,) = cursor.fetchone()
        return int(rebuilt)


def _keys() -> dict[str, Any]:
    """Attributes that get facets: `narrow` a row for each value, `wide` one for each bucket, with the buckets' bounds."""
    keys = list(ContactAttribute.objects.exclude(type=AttributeType.JSON).order_by("id").values_list("key", flat=True))
    shares = [number / BUCKETS for number in range(BUCKETS + 1)]
    sample: dict[str, Any] = {"keys": keys[:MOST_KEYS], "shares": shares, "sample": _SAMPLE, "values": FEW_VALUES}
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE_KEYS, sample)
        bounds = {key: json.loads(text) if isinstance(text, str) else text for key, text in cursor.fetchall()}
    short = {key: all(len(str(bound)) <= LONGEST_VALUE for bound in bounds[key]) for key in bounds}
    return {
        "narrow": [key for key in keys[:MOST_KEYS] if key not in bounds],
        "wide": Jsonb({key: bounds[key] for key in bounds if short[key]}),
    }
