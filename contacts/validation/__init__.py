"""Whether mail can reach an address: what its spelling, its domain's DNS and lists of known domains say."""

from contacts.validation.bulk import Queued, validate_contacts_bulk
from contacts.validation.checking import Checked, check_addresses
from contacts.validation.counting import validation_counts
from contacts.validation.judging import Verdict, judge

__all__ = [
    "Checked",
    "Queued",
    "Verdict",
    "check_addresses",
    "judge",
    "validate_contacts_bulk",
    "validation_counts",
]
