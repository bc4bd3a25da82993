"""Conditions on what every contact has. Status and language have facets; all else is read from the contacts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import LiteralString

from psycopg import sql

from common.addresses import parse_address
from common.errors import InvalidInput, LettershopError
from contacts.models import ContactStatus
from contacts.segments import values
from contacts.segments.conditions import AllOf, AnyOf, HasStatus, InLanguage, NotOf, OfContact, Resolved
from contacts.segments.tree import Comparison, Field, FieldName
from contacts.services.details import checked_language
from contacts.targeting.audience import Parameters
from contacts.targeting.resolving import did_you_mean

_COLUMNS: Mapping[FieldName, LiteralString] = {
    FieldName.FIRST_NAME: "c.first_name",
    FieldName.LAST_NAME: "c.last_name",
    FieldName.COUNTRY: "c.country",
    FieldName.TIMEZONE: "c.timezone",
    # A key has one @: addresses with quotation marks are not taken.
    FieldName.EMAIL_DOMAIN: "split_part(c.email_key, '@', 2)",
}
_OR_KNOWN = (*values.WORDS, Comparison.KNOWN, Comparison.UNKNOWN)


def field_condition(leaf: Field, sources: Mapping[str, int], now: datetime) -> Resolved:
    """Raises InvalidInput for a comparison or a value that does not go with the field. `sources` are ids by name."""
    match leaf.name:
        case FieldName.LANGUAGE:
            return _language(leaf)
        case FieldName.STATUS:
            return _status(leaf)
        case FieldName.SOURCE:
            return _source(leaf, sources)
        case FieldName.CREATED_AT:
            return _created(leaf, now)
        case _:
            return _text(leaf, _COLUMNS[leaf.name])


def _language(leaf: Field) -> Resolved:
    """Of a language: that, and its regions."""
    values.refuse_other_comparisons(leaf, _OR_KNOWN, what="A language")
    if leaf.comparison in (Comparison.KNOWN, Comparison.UNKNOWN):
        known = _of_contact("c.language <> ''")
        return known if leaf.comparison is Comparison.KNOWN else NotOf(known)
    return _any_of(leaf, tuple(InLanguage(_language_code(given, leaf)) for given in _words(leaf)))


def _status(leaf: Field) -> Resolved:
    values.refuse_other_comparisons(leaf, values.WORDS, what="A status")
    for given in _words(leaf):
        if given not in ContactStatus.values:
            hint = f"Statuses: {', '.join(ContactStatus.values)}."
            raise InvalidInput(f"There is no status {given!r}.", field=values.at(leaf), hint=hint)
    return _any_of(leaf, tuple(HasStatus(given) for given in _words(leaf)))


def _source(leaf: Field, sources: Mapping[str, int]) -> Resolved:
    values.refuse_other_comparisons(leaf, _OR_KNOWN, what="A source")
    if leaf.comparison in (Comparison.KNOWN, Comparison.UNKNOWN):
        known = _of_contact("c.source_id IS NOT NULL")
        return known if leaf.comparison is Comparison.KNOWN else NotOf(known)
    for name in _words(leaf):
        if name not in sources:
            hint = did_you_mean(name, sources)
            raise InvalidInput(f"There is no data source {name!r}.", field=values.at(leaf), hint=hint)
    found = _of_contact("c.source_id = ANY({}::bigint[])", [sources[name] for name in _words(leaf)])
    return NotOf(found) if leaf.comparison is Comparison.IS_NOT else found


def _created(leaf: Field, now: datetime) -> Resolved:
    values.refuse_other_comparisons(leaf, values.MOMENTS, what="A time")
    if leaf.comparison is Comparison.WITHIN_DAYS:
        return _of_contact("c.created_at >= {}", now - timedelta(days=values.days(leaf)))
    if leaf.comparison is Comparison.BETWEEN:
        first, last = values.two_spans(leaf)
        return AllOf((_of_contact("c.created_at >= {}", first.begins), NotOf(_after(last))))
    span = values.span(leaf.value, values.at(leaf))
    return _after(span) if leaf.comparison is Comparison.AFTER else _of_contact("c.created_at < {}", span.begins)


def _after(span: values.Span) -> OfContact:
    if span.is_moment:
        return _of_contact("c.created_at > {}", span.ends)
    return _of_contact("c.created_at >= {}", span.ends)


def _text(leaf: Field, column: LiteralString) -> Resolved:
    values.refuse_other_comparisons(leaf, values.TEXTS, what=f"The field {leaf.name.value}")
    match leaf.comparison:
        case Comparison.KNOWN:
            return _of_contact(column + " <> ''")
        case Comparison.UNKNOWN:
            return _of_contact(column + " = ''")
        case Comparison.CONTAINS:
            return _of_contact("strpos(lower(" + column + "), {}) > 0", values.text(leaf).lower())
        case Comparison.STARTS_WITH:
            return _of_contact("starts_with(lower(" + column + "), {})", values.text(leaf).lower())
        case _:
            found = _of_contact(column + " = ANY({}::text[])", [_written(given, leaf) for given in _words(leaf)])
            return NotOf(found) if leaf.comparison is Comparison.IS_NOT else found


def _words(leaf: Field) -> tuple[str, ...]:
    """The values of `is`, `is_not` and `in`."""
    return values.texts(leaf) if leaf.comparison is Comparison.IN else (values.text(leaf),)


def _any_of(leaf: Field, found: tuple[Resolved, ...]) -> Resolved:
    return NotOf(AnyOf(found)) if leaf.comparison is Comparison.IS_NOT else AnyOf(found)


def _written(given: str, leaf: Field) -> str:
    """As it is stored: of a domain the form that addresses are compared in."""
    if leaf.name is not FieldName.EMAIL_DOMAIN:
        return given
    try:
        return parse_address(f"anybody@{given.strip()}").key.partition("@")[2]
    except LettershopError as error:
        raise InvalidInput(f"{given!r} is no domain of addresses.", field=values.at(leaf), hint=error.hint) from error


def _language_code(given: str, leaf: Field) -> str:
    try:
        return checked_language(given)
    except InvalidInput as error:
        raise InvalidInput(error.message, field=values.at(leaf), hint=error.hint) from error


def _of_contact(text: LiteralString, *given: object) -> OfContact:
    def condition(parameters: Parameters) -> sql.Composable:
        return sql.SQL(text).format(*(parameters.add(value) for value in given))

    return OfContact(condition)
