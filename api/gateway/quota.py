"""G3: the day's limit of a key, where nobody has set one."""

from django.conf import settings


def daily_limit(*, of_key: int | None, of_plan: int | None) -> int | None:
    """What a key may send a day: its own limit, None where its tenant's plan has one, else GATEWAY_DAILY_LIMIT (15)."""
    if of_key is not None or of_plan is not None:
        return of_key
    return settings.GATEWAY_DAILY_LIMIT
