"""Long lists in pages as Relay's cursor connections have them, forwards only and by key, never by offset."""

import base64
import binascii
from typing import Any, Self

import strawberry
import strawberry_django
from django.db.models import Model, QuerySet
from strawberry import relay
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry_django.fields.field import StrawberryDjangoConnectionExtension

from common.errors import InvalidInput
from contacts.models import Contact
from contacts.services.searching import newest_of

DEFAULT_PAGE = 50
LARGEST_PAGE = 100
_LARGEST_ID = 2**63 - 1


@strawberry.type(name="Connection", description="A page of a list, the newest first unless the list says otherwise.")
class Page(relay.Connection[relay.NodeType]):
    @classmethod
    def resolve_connection(  # type: ignore[override]
        cls, nodes: "QuerySet[Any]", *, info: strawberry.Info, after: str | None, first: int | None, **_: Any
    ) -> Self:
        """`nodes` are ordered by their id, up or down. Raises InvalidInput for a size or a cursor that is none."""
        size, begin = _size(first), _place(after)
        found = _rows_of(nodes, begin, size + 1)
        shown = found[:size]
        info.context.announce(shown)
        edges: list[Any] = [relay.Edge(node=row, cursor=_cursor(row)) for row in shown]
        return cls(
            edges=edges,
            page_info=relay.PageInfo(
                has_next_page=len(found) > size,
                has_previous_page=begin is not None,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
        )


class Forwards(StrawberryDjangoConnectionExtension):
    """Gives a field `first` and `after`."""

    def apply(self, field: StrawberryField) -> None:
        super().apply(field)
        field.arguments = [self._described(one) for one in field.arguments if one.python_name not in ("before", "last")]

    @staticmethod
    def _described(argument: StrawberryArgument) -> StrawberryArgument:
        if argument.python_name == "first":
            argument.default = DEFAULT_PAGE
            argument.description = f"how many at most, 1 to {LARGEST_PAGE}"
        if argument.python_name == "after":
            argument.description = "`endCursor` of the page before"
        return argument


def pages(kind: type, *, description: str | None = None) -> Any:
    """A field that is a list of `kind`; its resolver returns the rows in the order of their ids, unread."""
    # The rows are no Nodes in Relay's sense: those have global ids, ours are the ids of API v2.
    shape = Page[kind]  # type: ignore[valid-type]
    return strawberry_django.field(graphql_type=shape, extensions=[Forwards()], description=description)


def number_of(given: str, *, name: str = "id") -> int:
    """The number that an ID stands for. Raises InvalidInput."""
    if not given.isascii() or not given.isdecimal() or len(given) > 19 or not 1 <= int(given) <= _LARGEST_ID:
        raise InvalidInput("This is no id: ids are whole numbers from 1.", field=name)
    return int(given)


def _rows_of(nodes: "QuerySet[Any]", begin: int | None, limit: int) -> list[Any]:
    goes_down = str(nodes.query.order_by[0]).startswith("-")
    if nodes.model is Contact and nodes.query.where:
        return newest_of(nodes, before=begin, limit=limit)
    if begin is not None:
        nodes = nodes.filter(**{"pk__lt" if goes_down else "pk__gt": begin})
    return list(nodes[:limit])


def _size(first: int | None) -> int:
    size = DEFAULT_PAGE if first is None else first
    if not 1 <= size <= LARGEST_PAGE:
        raise InvalidInput(f"A page has 1 to {LARGEST_PAGE} rows.", field="first")
    return size


def _place(after: str | None) -> int | None:
    if not after:
        return None
    try:
        return number_of(base64.b64decode(after.encode(), altchars=b"-_", validate=True).decode())
    except (ValueError, binascii.Error, UnicodeError, InvalidInput):
        raise InvalidInput("This cursor was not made here.", field="after", hint="Begin without one.") from None


def _cursor(row: Model) -> str:
    return base64.urlsafe_b64encode(str(row.pk).encode()).decode()
