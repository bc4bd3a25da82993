"""Numbers as people read them."""

from typing import Any

from django import template

from tenants.desk.counting import COUNT_AT_MOST, EstimatedPaginator

register = template.Library()


@register.filter
def thousands(number: Any) -> str:
    """1234567 as 1,234,567."""
    return f"{number:,}" if isinstance(number, int) else str(number)


@register.filter
def percent(share: float | None) -> str:
    """A share from 0 to 1 in per cent: 12.5 %; nothing where nothing can be said."""
    if share is None:
        return "–"
    value = share * 100
    return f"{value:.1f} %" if value < 99.95 else "100 %"


@register.filter
def row_count(paginator: Any) -> str:
    """How many rows a list has, as far as it was counted."""
    count = paginator.count
    if not isinstance(paginator, EstimatedPaginator) or count < COUNT_AT_MOST:
        return f"{count:,}"
    return f"about {count:,}" if count > COUNT_AT_MOST else f"the first {count:,}"


@register.filter
def duration(seconds: float | None) -> str:
    """95 as 1 min 35 s."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
