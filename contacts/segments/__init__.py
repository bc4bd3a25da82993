"""Segments: contacts described by a tree of conditions, counted and found anew each time.

`parsing` reads a tree, `resolving` checks its words against what the tenant has, `conditions` says it as SQL over contacts,
`bits` counts it from facets, `finding` runs it.
"""

from contacts.segments.conditions import DidSo, Resolved, condition_of
from contacts.segments.finding import Size, count_contacts, find_contacts
from contacts.segments.parsing import parse_tree
from contacts.segments.resolving import Behaviour, resolve_tree
from contacts.segments.tree import Did, Node

__all__ = [
    "Behaviour",
    "Did",
    "DidSo",
    "Node",
    "Resolved",
    "Size",
    "condition_of",
    "count_contacts",
    "find_contacts",
    "parse_tree",
    "resolve_tree",
]
