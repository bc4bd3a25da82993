"""The contacts of an audience themselves."""

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from common.database import connection
from contacts.models import Contact
from contacts.targeting.audience import Audience, Parameters
from contacts.targeting.conditions import where
from contacts.targeting.resolving import resolve

_HELD = sql.Identifier("pg_temp", "held_audience")


def audience_query(audience: Audience) -> tuple[sql.Composed, dict[str, Any]]:
    """SQL that selects `id` in ascending order, and its named parameters. Raises InvalidInput for unknown tags."""
    parameters = Parameters()
    query = sql.SQL("SELECT c.id FROM contacts_contact c WHERE {} ORDER BY c.id").format(
        where(resolve(audience), parameters)
    )
    return query, parameters


def hold_audience(audience: Audience) -> dict[str, int]:
    """Hold the audience of this moment until the transaction ends; return its languages, in lower case, with counts.

    For whoever splits it: what `held_query` selects for different languages adds up to it, whatever changes
    meanwhile. Raises InvalidInput.
    """
    parameters = Parameters()
    hold = sql.SQL(
        "CREATE TEMPORARY TABLE held_audience ON COMMIT DROP AS "
        "SELECT c.id, lower(c.language) AS language FROM contacts_contact c WHERE {}"
    ).format(where(resolve(audience), parameters))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_HELD))
        cursor.execute(hold, parameters or None)
        cursor.execute(sql.SQL("SELECT language, count(*) FROM {} GROUP BY 1 ORDER BY 1").format(_HELD))
        return dict(cursor.fetchall())


def held_query(languages: Sequence[str]) -> tuple[sql.Composed, dict[str, Any]]:
    """Like `audience_query`, for the held contacts of exactly these languages; "" is unknown."""
    query = sql.SQL("SELECT id FROM {} WHERE language = ANY(%(languages)s) ORDER BY id").format(_HELD)
    return query, {"languages": list(languages)}


def sample_audience(audience: Audience, n: int = 10) -> list[Contact]:
    """Up to `n` of its contacts, the newest first. Raises InvalidInput."""
    parameters = Parameters()
    query = sql.SQL("SELECT c.id FROM contacts_contact c WHERE {} ORDER BY c.id DESC LIMIT {}").format(
        where(resolve(audience), parameters), parameters.add(n)
    )
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        ids = [row[0] for row in cursor.fetchall()]
    found = Contact.objects.in_bulk(ids)
    return [found[each] for each in ids if each in found]
