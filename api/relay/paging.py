"""Pages of a list: limit and offset, or limit and page; how they stand in the body and in the headers (6.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from common.errors import InvalidInput

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 500
LARGEST_OFFSET = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a list is wanted."""

    limit: int
    offset: int


def asked_page(query: Mapping[str, str]) -> Asked:
    """`?limit=&offset=`, or `?limit=&page=` as the Link header spells it. Raises InvalidInput."""
    limit = _number(query, "limit", least=1, most=LARGEST_LIMIT, default=DEFAULT_LIMIT)
    if not query.get("page"):
        return Asked(limit, _number(query, "offset", least=0, most=LARGEST_OFFSET, default=0))
    if query.get("offset"):
        raise InvalidInput("Say offset or page, not both.", field="page")
    page = _number(query, "page", least=1, most=LARGEST_OFFSET // limit, default=1)
    return Asked(limit, (page - 1) * limit)


def paging_headers(asked: Asked, *, total: int, is_capped: bool = False, path: str, query: QueryDict) -> dict[str, str]:
    """Of a total that was not counted to its end neither the number of pages nor the last one is told."""
    pages = -(-total // asked.limit)
    headers = {
        "X-Total-Count": str(total),
        "X-Current-Page": str(asked.offset // asked.limit + 1),
        "X-Per-Page": str(asked.limit),
    }
    if not is_capped:
        headers["X-Page-Count"] = str(pages)
    links: dict[str, int] = {}
    if asked.offset + asked.limit < total:
        links["next"] = asked.offset + asked.limit
    if not is_capped and pages > 1:
        # Pages go on from where this one begins, which need not be a multiple of their size.
        last = (total - 1 - asked.offset % asked.limit) // asked.limit * asked.limit + asked.offset % asked.limit
        links["last"] = max(0, last)
    told = [
        f'<{path}?{_query(query, asked.limit, offset)}>; rel="{rel}"'
        for rel, offset in links.items()
        if offset is not None
    ]
    return {**headers, **({"Link": ", ".join(told)} if told else {})}


def _query(query: QueryDict, limit: int, offset: int) -> str:
    kept: list[tuple[str, Any]] = [
        (name, value) for name, values in query.lists() for value in values if name not in ("page", "offset")
    ]
    # A page that does not begin where one of this size would is told by its offset.
    place = ("offset", offset) if offset % limit else ("page", offset // limit + 1)
    return urlencode([*kept, place], errors="replace")


def _number(query: Mapping[str, str], name: str, *, least: int, most: int, default: int) -> int:
    given = query.get(name, "")
    if not given:
        return default
    if not (given.isascii() and given.isdecimal() and len(given) <= 9 and least <= int(given) <= most):
        raise InvalidInput(f"This is a number from {least} to {most}.", field=name)
    return int(given)
