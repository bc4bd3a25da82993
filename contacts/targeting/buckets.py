"""Attributes with many values: each block has them in buckets, in the order of the values.

A bucket's values stand between `value`, which may be among them, and `highest`, which may not. Of most buckets that is
enough to say that a condition holds for everybody in it, or for nobody; who is in one of the others is looked at.
"""

import json

from psycopg import sql

from contacts.targeting.audience import AttributeIs, Operator, Parameters
from contacts.targeting.conditions import POSITIVE, holds

# About single values: the ends of a bucket say little of what lies between.
ABOUT_ONE_VALUE = (Operator.IS, Operator.IN, Operator.CONTAINS, Operator.STARTS_WITH)
_LOWEST, _HIGHEST = sql.SQL("value"), sql.SQL("highest")


def holds_for_all(condition: AttributeIs, parameters: Parameters) -> sql.Composed:
    """Whether the positive form of the condition holds for everybody in the bucket."""
    op = POSITIVE.get(condition.op, condition.op)
    if op is Operator.IS_SET:
        return sql.SQL("true").format()
    if op in ABOUT_ONE_VALUE:
        return sql.SQL("false").format()
    return sql.SQL("({} AND {})").format(holds(condition, _LOWEST, parameters), holds(condition, _HIGHEST, parameters))


def holds_for_some(condition: AttributeIs, parameters: Parameters) -> sql.Composed:
    """Whether it may hold for somebody in the bucket."""
    op = POSITIVE.get(condition.op, condition.op)
    if op is Operator.IS_SET or (op in ABOUT_ONE_VALUE and op is not Operator.IS):
        return sql.SQL("true").format()
    if op is Operator.IS:
        wanted = parameters.add(json.dumps(condition.value))
        return sql.SQL("(value <= {}::jsonb AND highest >= {}::jsonb)").format(wanted, wanted)
    # Between two values of one type stand only values of that type (but for arrays, of which the empty one comes before
    # everything else), and a comparison that fails at both ends fails in between.
    return sql.SQL(
        "({} OR {} OR jsonb_typeof(value) <> jsonb_typeof(highest) OR jsonb_typeof(value) = 'array')"
    ).format(holds(condition, _LOWEST, parameters), holds(condition, _HIGHEST, parameters))
