"""Test mails: the campaign's own mail to a few addresses, before anybody else gets it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import formatdate

from django.db import transaction
from django.utils import timezone

from campaigns.models import Campaign, TestSend
from campaigns.services.checking import sending_provider
from campaigns.services.handing_over import Outcome, hand_over, patient_account
from campaigns.services.previewing import (
    Person,
    content_of,
    person_of,
    untracked_stamp,
    values_for,
    version_for,
    versions_of,
)
from campaigns.services.templates import check_template, text_of
from common.addresses import Address, parse_address, wire_form
from common.database import connection
from common.errors import InvalidInput, LettershopError, QuotaExceeded
from contacts.models import Contact, Suppression, SuppressionReason
from deliverability.services.domains import domain_of, signers_of
from outbound.compiler import CompiledMessage, RenderFault, compile_message
from outbound.smtp.types import Outgoing, SmtpAccount
from outbound.stamping import key_ring
from tenants.scope import current_tenant

MOST_ADDRESSES = 10
MOST_AN_HOUR = 100
MARK = "[Test] "
_NEVER = (SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT)
_Result = TestSend.Result


@dataclass(frozen=True, slots=True)
class TestResult:
    """What became of the test to one address; `result` is a TestSend.Result."""

    __test__ = False

    email: str
    result: str
    code: int | None
    reason: str
    language: str


class TooManyTests(QuotaExceeded):
    """A tenant's test mails of this hour are used up."""

    retry_after = 600  # seconds


def prepare_test(*, campaign: Campaign, addresses: Sequence[str], person: Person | None = None) -> "PreparedTest":
    """The campaign's mail, marked as a test, to up to ten addresses: written, counted in the hour's limit, not yet sent.

    Each address gets what its own contact would get, or `person` where one is given, or a mail with empty fields.
    Links lead straight to their targets, the unsubscribe link unsubscribes nobody, no report counts it. An address
    that bounced for good or complained gets nothing. Raises InvalidInput, TemplateFault, Refused for a provider whose
    password cannot be decrypted, and TooManyTests beyond a hundred an hour.
    """
    checked = _checked(addresses)
    account = patient_account(sending_provider(campaign))
    people = _people(checked, person)
    writer = _Writer(campaign)
    for address in checked:
        writer.prepare(people[address.key])
    rows = _noted(campaign, checked)
    mails = [
        writer.mail(row.pk, address, people[address.key])
        for row, address in zip(rows, checked, strict=True)
        if row.result == _Result.WAITING
    ]
    languages = [writer.language(people[address.key]) for address in checked]
    return PreparedTest(account, tuple(mails), tuple(zip(rows, languages, strict=True)))


@dataclass(frozen=True, slots=True)
class PreparedTest:
    """A test that has only to be sent. `rows`: with the language of each."""

    account: SmtpAccount
    mails: tuple[Outgoing, ...]
    rows: tuple[tuple[TestSend, str], ...]

    def send(self) -> tuple[TestResult, ...]:
        """Once. Waits for the provider's answers, half a minute at most, so no transaction should be open."""
        outcomes = hand_over(self.account, self.mails)
        _record([row for row, _ in self.rows], outcomes)
        return tuple(TestResult(row.email, row.result, row.code, row.reason, language) for row, language in self.rows)


class _Writer:
    """The campaign's versions, each compiled once."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        domain = domain_of(campaign.from_address)
        signers = signers_of(domain) if domain else ()
        self._stamp = untracked_stamp(campaign, keys=key_ring(), signers=signers)
        self._versions = versions_of(campaign)
        self._compiled: dict[int, CompiledMessage] = {}
        self._date = formatdate(usegmt=True).encode()

    def prepare(self, person: Person) -> None:
        """Raises TemplateFault, and InvalidInput for a template that cannot be rendered for this person."""
        compiled = self._version(person)
        try:
            compiled.wire(0, "test@example.com", values_for(compiled, person), self._date)
        except RenderFault as fault:
            raise InvalidInput(
                f"The template cannot be rendered for {person.email}. {fault.message}", field="html"
            ) from fault

    def language(self, person: Person) -> str:
        return version_for(self._campaign, person, self._versions).language

    def mail(self, number: int, address: Address, person: Person) -> Outgoing:
        compiled = self._version(person)
        # The row's number stands where a recipient's position does: no two tests have the same Message-ID.
        position = number % (1 << 31)
        sender, body = compiled.wire(position, wire_form(address), values_for(compiled, person), self._date)
        return Outgoing(number, sender, wire_form(address).encode(), body, address.needs_smtputf8)

    def _version(self, person: Person) -> CompiledMessage:
        template = version_for(self._campaign, person, self._versions)
        if template.pk not in self._compiled:
            written = text_of(template)
            check_template(written)  # its faults tell the place in words
            marked = replace(content_of(written), subject=MARK + written.subject)
            self._compiled[template.pk] = compile_message(marked, self._stamp)
        return self._compiled[template.pk]


def _checked(addresses: Iterable[str]) -> list[Address]:
    """Each once."""
    found: dict[str, Address] = {}
    for at, text in enumerate(addresses):
        try:
            address = parse_address(text)
        except LettershopError as error:
            raise InvalidInput(error.message, field=f"addresses.{at}", hint=error.hint) from error
        found.setdefault(address.key, address)
    if not 1 <= len(found) <= MOST_ADDRESSES:
        raise InvalidInput(f"A test goes to 1 to {MOST_ADDRESSES} addresses.", field="addresses")
    return list(found.values())


def _people(addresses: Sequence[Address], person: Person | None) -> Mapping[str, Person]:
    """By key of the address."""
    if person is not None:
        return {address.key: replace(person, email=address.text) for address in addresses}
    contacts = {
        contact.email_key: contact for contact in Contact.objects.filter(email_key__in=[a.key for a in addresses])
    }
    return {
        address.key: person_of(contacts[address.key]) if address.key in contacts else Person(address.text)
        for address in addresses
    }


def _noted(campaign: Campaign, addresses: Sequence[Address]) -> list[TestSend]:
    """A row for each, before anything is sent. One at a time in a tenant, so that the limit holds exactly."""
    never = set(
        Suppression.objects.filter(email_key__in=[address.key for address in addresses], reason__in=_NEVER).values_list(
            "email_key", flat=True
        )
    )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('campaigns.test_sends'), %s)", [current_tenant().pk])
        since = timezone.now() - timedelta(hours=1)
        recent = TestSend.objects.filter(created_at__gt=since).exclude(result=_Result.SUPPRESSED).count()
        wanted = sum(address.key not in never for address in addresses)
        if recent + wanted > MOST_AN_HOUR:
            raise TooManyTests(
                f"At most {MOST_AN_HOUR} test mails are sent an hour.", field="addresses", hint="Try again later."
            )
        return TestSend.objects.bulk_create(_row(campaign, address, never) for address in addresses)


def _row(campaign: Campaign, address: Address, never: set[str]) -> TestSend:
    row = TestSend(campaign=campaign, email=address.text)
    if address.key in never:
        row.result, row.reason = _Result.SUPPRESSED, "This address bounced for good or complained: nothing goes there."
    return row


def _record(rows: Sequence[TestSend], outcomes: Mapping[int, Outcome]) -> None:
    told = [row for row in rows if row.pk in outcomes]
    for row in told:
        outcome = outcomes[row.pk]
        row.result, row.code, row.reason = outcome.result, outcome.code, outcome.reason
    TestSend.objects.bulk_update(told, ["result", "code", "reason"])
