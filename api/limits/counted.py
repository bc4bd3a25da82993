"""Windows counted in PostgreSQL, for the time in which Redis is away: fixed ones, each in one row."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from django.db import DatabaseError, InterfaceError

from api.limits.windows import Standing, StoreAway, Verdict, Window
from common.database import connection

# Rows are taken in the order of their names, so that two calls never wait for each other.
_COUNT = """
WITH asked AS MATERIALIZED (
    SELECT name, most, to_timestamp(floor(extract(epoch FROM clock_timestamp()) / span) * span) AS starts_at,
           make_interval(secs => span) AS length
    FROM unnest(%(names)s::text[], %(most)s::bigint[], %(spans)s::int[]) AS given (name, most, span) ORDER BY name
), counted AS (
    INSERT INTO public.tenants_callcount AS held (name, starts_at, ends_at, most, used)
    SELECT name, starts_at, starts_at + length, most, %(amount)s FROM asked WHERE %(amount)s <= most ORDER BY name
    ON CONFLICT (name) DO UPDATE SET
        starts_at = greatest(held.starts_at, excluded.starts_at),
        ends_at = greatest(held.ends_at, excluded.ends_at),
        most = excluded.most,
        used = CASE WHEN held.starts_at < excluded.starts_at THEN 0 ELSE held.used END + excluded.used
    WHERE held.starts_at < excluded.starts_at OR held.used + excluded.used <= excluded.most
    RETURNING name, starts_at, ends_at, used
)
SELECT asked.name, counted.used, counted.starts_at,
       extract(epoch FROM coalesce(counted.ends_at, asked.starts_at + asked.length))::float8,
       extract(epoch FROM clock_timestamp())::float8
FROM asked LEFT JOIN counted USING (name)
"""
_TAKE_BACK = """
UPDATE public.tenants_callcount AS held SET used = held.used - %s
FROM unnest(%s::text[], %s::timestamptz[]) AS given (name, starts_at)
WHERE held.name = given.name AND held.starts_at = given.starts_at
"""
_LONGEST_NAME = 200  # of the column
_REMOVE_OLD = "DELETE FROM public.tenants_callcount WHERE ends_at < now() - interval '1 hour'"


class CountedWindows:
    """Windows of the database: one round trip for a call that is allowed, two for one that is refused."""

    def count(self, windows: Sequence[Window], amount: int) -> Verdict:
        """Raises StoreAway."""
        try:
            return self._counted(windows, amount)
        except (DatabaseError, InterfaceError) as error:
            raise StoreAway(str(error)) from error

    def remove_old(self) -> None:
        """Forget windows that ended long ago. Raises StoreAway."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(_REMOVE_OLD)
        except (DatabaseError, InterfaceError) as error:
            raise StoreAway(str(error)) from error

    def _counted(self, windows: Sequence[Window], amount: int) -> Verdict:
        given: dict[str, Any] = {
            "names": [_name(window) for window in windows],
            "most": [window.limit for window in windows],
            "spans": [window.seconds for window in windows],
            "amount": amount,
        }
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, given)
            rows = {name: row for name, *row in cursor.fetchall()}
            counted = {name: row for name, row in rows.items() if row[0] is not None}
            allowed = len(counted) == len(rows)
            if not allowed and counted:
                cursor.execute(_TAKE_BACK, [amount, list(counted), [row[1] for row in counted.values()]])
        standings = tuple(_standing(window, rows[_name(window)], 0 if allowed else amount) for window in windows)
        return Verdict(allowed, max(row[3] for row in rows.values()), standings)


def _name(window: Window) -> str:
    name = f"{window.seconds}:{window.name}"
    if len(name) <= _LONGEST_NAME:
        return name
    # A user's name may be as long as the column; no other name has a # there.
    return f"{window.seconds}:#{blake2b(window.name.encode(), digest_size=20).hexdigest()}"


def _standing(window: Window, row: Sequence[Any], taken_back: int) -> Standing:
    used, _, ends_at, _ = row
    if used is None:
        return Standing(window, window.limit, ends_at, ends_at)
    return Standing(window, used - taken_back, ends_at, 0)
