"""Trees at work: how many contacts, and which."""

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from common.database import connection
from contacts.models import Contact
from contacts.segments.bits import count_query, find_query, look_query
from contacts.segments.conditions import DidSo, Meets, OfContact, Resolved, leaves_of, truth
from contacts.targeting.audience import Parameters
from contacts.targeting.counting import facets_answer, note_stale


@dataclass(frozen=True, slots=True)
class Size:
    """How many contacts match, and how many of them may be mailed: active, and on no suppression list."""

    matching: int
    mailable: int


def count_contacts(tree: Resolved) -> Size:
    """Exact at any time."""
    parameters = Parameters()
    if _has_facets(tree):
        note_stale()
        query: sql.Composable = count_query(tree, parameters)
    else:
        query = look_query(tree, parameters)
    [(matching, mailable)] = _rows(query, parameters)
    return Size(int(matching), int(mailable))


def find_contacts(tree: Resolved, *, limit: int, before: int | None = None) -> list[Contact]:
    """Up to `limit` of its contacts, mailable or not, the newest first; only ids below `before`, where it is given."""
    parameters = Parameters()
    ids = [row[0] for row in _rows(_page_query(tree, parameters, limit=limit, before=before), parameters)]
    found = Contact.objects.in_bulk(ids)
    return [found[each] for each in ids if each in found]


def _page_query(tree: Resolved, parameters: Parameters, *, limit: int, before: int | None) -> sql.Composable:
    if any(isinstance(leaf, DidSo) and leaf.blocks is not None for leaf in leaves_of(tree)):
        return find_query(tree, parameters, limit=limit, before=before)
    below = sql.SQL("c.id < {}").format(parameters.add(before)) if before is not None else sql.SQL("true")
    return sql.SQL("SELECT c.id FROM contacts_contact c WHERE {} AND {} ORDER BY c.id DESC LIMIT {}").format(
        truth(tree, parameters, {}), below, parameters.add(limit)
    )


def _has_facets(tree: Resolved) -> bool:
    leaves = leaves_of(tree)
    if any(isinstance(leaf, OfContact) for leaf in leaves):
        return False
    return facets_answer(leaf.condition for leaf in leaves if isinstance(leaf, Meets))


def _rows(query: sql.Composable, parameters: Parameters) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())
