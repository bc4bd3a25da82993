"""Who is not written to any more: putting addresses on the suppression list, and taking them off it.

The list and the contacts' status change together. A status only ever becomes stronger here: complained,
bounced, suppressed, unsubscribed, in this order.
"""

from collections.abc import Collection, Iterable

from django.db import connection, transaction
from django.db.models import QuerySet

from common.addresses import LONGEST_ADDRESS, parse_address
from common.errors import InvalidInput
from contacts.models import Suppression, SuppressionReason
from contacts.services.suppression_statements import (
    by_address,
    by_contact,
    contact_parameters,
    lift,
    suppress_contacts,
)
from tenants.scope import current_tenant

__all__ = ["find_suppressions", "suppress", "suppress_contacts", "unsuppress"]


def suppress(
    *, reason: str, origin: str, addresses: Iterable[str] = (), contact_ids: Iterable[int] = (), note: str = ""
) -> int:
    """Put addresses, or those of contacts, on the tenant's suppression list; addresses without a contact too.

    `origin` says what put them there, for instance "message 42". Returns how many are new on the list for
    this reason. Raises InvalidInput for an unknown reason and InvalidAddress for what is no address; then
    nothing has changed.
    """
    schema = current_tenant().schema_name
    _check_reasons([reason])
    checked = [parse_address(text) for text in addresses]
    pairs = [(contact_id, reason) for contact_id in contact_ids]
    added = 0
    with transaction.atomic(), connection.cursor() as cursor:
        if pairs:
            cursor.execute(by_contact(schema), contact_parameters(pairs, origin=origin, note=note))
            added += cursor.fetchone()[0]
        if checked:
            cursor.execute(
                by_address(schema),
                {
                    "emails": [address.text for address in checked],
                    "keys": [address.key for address in checked],
                    "reason": reason,
                    "origin": origin,
                    "note": note,
                },
            )
            added += cursor.fetchone()[0]
    return added


def unsuppress(
    *,
    addresses: Iterable[str] = (),
    contact_ids: Iterable[int] = (),
    reasons: Collection[str] = tuple(SuppressionReason.values),
) -> int:
    """Take addresses off the list for the given reasons; without reasons, for all of them.

    A contact's status follows what is left on the list; with nothing left it is active again. Returns how
    many entries were removed. Raises InvalidInput and InvalidAddress.
    """
    schema = current_tenant().schema_name
    _check_reasons(reasons)
    keys = [parse_address(text).key for text in addresses]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(lift(schema), {"keys": keys, "ids": list(contact_ids), "reasons": list(reasons)})
        removed: int = cursor.fetchone()[0]
    return removed


def find_suppressions(*, reason: str = "", beginning: str = "") -> "QuerySet[Suppression]":
    """Entries of the list with this reason and with addresses that begin so, in no order. Raises InvalidInput."""
    found = Suppression.objects.all()
    if reason:
        _check_reasons([reason])
        found = found.filter(reason=reason)
    if "\0" in beginning or len(beginning) > LONGEST_ADDRESS:
        raise InvalidInput("No address begins so.", field="q")
    return found.filter(email_key__startswith=beginning.strip().lower()) if beginning.strip() else found


def _check_reasons(reasons: Iterable[str]) -> None:
    for reason in reasons:
        if reason not in SuppressionReason.values:
            raise InvalidInput(
                f"There is no reason {reason!r}.",
                field="reason",
                hint=f"Reasons: {', '.join(SuppressionReason.values)}.",
            )
