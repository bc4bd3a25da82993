"""An audience as SQL over contacts: the truth, which the facets must agree with."""

import json

from psycopg import sql

from contacts.targeting.audience import AttributeIs, Operator, Parameters
from contacts.targeting.resolving import COLUMNS, Resolved

# Negative operators: they hold where these do not.
POSITIVE = {Operator.IS_NOT: Operator.IS, Operator.IS_NOT_SET: Operator.IS_SET}
_COMPARED = {
    Operator.GREATER: sql.SQL(">"),
    Operator.GREATER_OR_EQUAL: sql.SQL(">="),
    Operator.LESS: sql.SQL("<"),
    Operator.LESS_OR_EQUAL: sql.SQL("<="),
}


MAILABLE = sql.SQL(
    "(c.status = 'active' AND NOT EXISTS (SELECT 1 FROM contacts_suppression s WHERE s.email_key = c.email_key))"
)


def where(audience: Resolved, parameters: Parameters) -> sql.Composed:
    """The condition on `contacts_contact c` for those who may and shall be mailed."""
    parts: list[sql.Composable] = [MAILABLE]
    if audience.tags_all:
        parts.append(sql.SQL("c.tags @> {}::int[]").format(parameters.add(list(audience.tags_all))))
    if audience.tags_any:
        parts.append(sql.SQL("c.tags && {}::int[]").format(parameters.add(list(audience.tags_any))))
    if audience.exclude_tags:
        parts.append(sql.SQL("NOT c.tags && {}::int[]").format(parameters.add(list(audience.exclude_tags))))
    if audience.language:
        parts.append(in_language(audience.language, parameters))
    parts.extend(met(condition, parameters) for condition in audience.attributes)
    if audience.within:
        parts.append(audience.within(parameters))
    return sql.SQL(" AND ").join(parts)


def in_language(language: str, parameters: Parameters) -> sql.Composed:
    """The language itself and its regions: fr and fr-ca, not fro."""
    return sql.SQL("(lower(c.language) = {} OR starts_with(lower(c.language), {}))").format(
        parameters.add(language), parameters.add(f"{language}-")
    )


def is_negative(condition: AttributeIs) -> bool:
    """Whether the condition holds for those for whom `holds` does not."""
    return condition.op in POSITIVE


def holds(condition: AttributeIs, value: sql.Composable, parameters: Parameters) -> sql.Composed:
    """The positive form of the condition on `value`, a jsonb expression that is NULL where there is none."""
    op = POSITIVE.get(condition.op, condition.op)
    if op is Operator.IS_SET:
        return sql.SQL("({} IS NOT NULL)").format(value)
    if op is Operator.CONTAINS:
        wanted = parameters.add(str(condition.value).lower())
        return sql.SQL("(strpos(lower({} #>> '{{}}'), {}) > 0)").format(value, wanted)
    if op is Operator.STARTS_WITH:
        wanted = parameters.add(str(condition.value).lower())
        return sql.SQL("starts_with(lower({} #>> '{{}}'), {})").format(value, wanted)
    if op is Operator.IN:
        return sql.SQL("({} = ANY({}::text[]::jsonb[]))").format(value, parameters.add(_each(condition)))
    wanted = parameters.add(json.dumps(condition.value))
    if op is Operator.IS:
        return sql.SQL("({} = {}::jsonb)").format(value, wanted)
    return sql.SQL("(jsonb_typeof({}) = jsonb_typeof({}::jsonb) AND {} {} {}::jsonb)").format(
        value, wanted, value, _COMPARED[op], wanted
    )


def met(condition: AttributeIs, parameters: Parameters) -> sql.Composed:
    """The condition on `contacts_contact c`; it may be NULL where the contact has no value."""
    if condition.op is Operator.IS and condition.key not in COLUMNS:
        # The same as comparing the value, in the words that the index on the attributes understands.
        return sql.SQL("c.attributes @> {}::jsonb").format(parameters.add(json.dumps({condition.key: condition.value})))
    if condition.op is Operator.IN and condition.key not in COLUMNS:
        return sql.SQL("c.attributes @> ANY({}::text[]::jsonb[])").format(
            parameters.add([json.dumps({condition.key: json.loads(value)}) for value in _each(condition)])
        )
    held = holds(condition, _value_of(condition.key, parameters), parameters)
    return sql.SQL("NOT coalesce({}, false)" if is_negative(condition) else "{}").format(held)


def _each(condition: AttributeIs) -> list[str]:
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    return [json.dumps(value) for value in values]


def _value_of(key: str, parameters: Parameters) -> sql.Composed:
    if key in COLUMNS:
        return sql.SQL("to_jsonb(nullif(c.{}::text, ''))").format(sql.Identifier(key))
    return sql.SQL("nullif(c.attributes -> {}, 'null'::jsonb)").format(parameters.add(key))
