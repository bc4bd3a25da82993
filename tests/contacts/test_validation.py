"""What is said of single addresses, with a real DNS server on the other side."""

import pytest
import redis
from django.conf import settings

from common.errors import InvalidInput, Unavailable
from contacts.validation import check_addresses
from contacts.validation.domain_memory import LONGEST_SECONDS, SHORTEST_SECONDS, forget_domains, look_up_domains
from contacts.validation.mail_domains import MailDomain, ask_dns, dns_answers
from contacts.validation.providers import LARGE, known_slip, similar_provider
from contacts.validation.word_lists import words_of
from tests.contacts.validation_cast import world
from tests.dns_server import DnsServer


@pytest.fixture
def dns_world(monkeypatch):
    forget_domains()
    store = redis.Redis.from_url(settings.REDIS_URL)
    for key in store.scan_iter("mail-domain:*"):
        store.delete(key)
    with world() as server:
        monkeypatch.setenv("DNS_RESOLVERS", server.address)
        yield server
    store.close()


def said(email):
    [checked] = check_addresses([email])
    return checked.verdict.state.value, checked.verdict.reason.value if checked.verdict.reason else ""


@pytest.mark.parametrize(
    ("email", "state", "reason"),
    [
        ("ana@good.example", "valid", ""),
        ("ana@host.example", "valid", ""),
        ("ana@six.example", "valid", ""),
        ("ana@bücher.example", "valid", ""),
        ("ana@null.example", "invalid", "null_mx"),
        ("ana@empty.example", "invalid", "no_mail_server"),
        ("ana@nowhere.example", "invalid", "no_domain"),
        ("ana@broken.example", "pending", "unanswered"),
        ("ana@silent.example", "pending", "unanswered"),
        ("ana@gmail.com", "valid", ""),
        ("ana@gmial.com", "risky", "typo"),
        ("ana@gnmail.com", "risky", "typo"),
        ("ana@gmaol.com", "invalid", "no_domain"),
        ("ana@mailinator.com", "risky", "disposable"),
        ("info@good.example", "risky", "role"),
        ("Info+news@good.example", "risky", "role"),
        ("info@null.example", "invalid", "null_mx"),
        ("information@good.example", "valid", ""),
        ("ana@", "invalid", "syntax"),
        ("", "invalid", "syntax"),
        ("ana@good", "invalid", "syntax"),
    ],
)
def test_v28_an_address_gets_its_state_and_reason(dns_world, email, state, reason):
    assert said(email) == (state, reason)


def test_what_was_perhaps_meant_is_suggested_whatever_the_verdict(dns_world):
    checked = check_addresses(["Ana.B@gmial.com", "ana@gmaol.com", "ana@good.example", "ana@nowhere.example"])
    assert [one.verdict.suggestion for one in checked] == ["Ana.B@gmail.com", "ana@gmail.com", "", ""]


def test_details_are_told_beside_the_verdict(dns_world):
    role, host, unknown = check_addresses(["noreply@mailinator.com", "ana@host.example", "ana@broken.example"])
    assert (role.has_mx, role.disposable, role.role) == (True, True, True)
    assert (host.has_mx, host.disposable, host.role) == (False, False, False)
    assert unknown.has_mx is None


def test_more_than_a_hundred_addresses_are_refused(dns_world):
    with pytest.raises(InvalidInput):
        check_addresses(["a@good.example"] * 101)


def test_a_domain_is_asked_for_once_by_this_process_and_by_the_next(dns_world):
    check_addresses(["a@good.example", "b@good.example", "c@GOOD.example"])
    check_addresses(["d@good.example"])
    forget_domains()  # as another process would begin
    check_addresses(["e@good.example"])
    assert dns_world.times_asked("good.example") == 1


def test_no_answer_is_not_remembered(dns_world):
    assert look_up_domains({"broken.example"}) == {"broken.example": MailDomain.UNANSWERED}
    dns_world.failing.clear()
    dns_world.zone["broken.example"] = {"MX": ["10 mail.broken.example."]}
    assert look_up_domains({"broken.example"}) == {"broken.example": MailDomain.MX}


@pytest.mark.parametrize(("seconds", "kept"), [(1, SHORTEST_SECONDS), (7200, 7200), (900_000, LONGEST_SECONDS)])
@pytest.mark.parametrize("domain", ["good.example", "null.example", "nowhere.example", "empty.example"])
def test_an_answer_is_believed_as_long_as_the_dns_says_within_bounds(dns_world, domain, seconds, kept):
    dns_world.seconds = seconds
    look_up_domains({domain})
    with redis.Redis.from_url(settings.REDIS_URL) as store:
        assert kept - 5 <= store.ttl(f"mail-domain:{domain}") <= kept


def test_without_redis_the_dns_is_asked(dns_world, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert look_up_domains({"good.example"}) == {"good.example": MailDomain.MX}


def test_silent_domains_do_not_keep_others_from_being_answered(dns_world):
    names = [f"quiet{number}.example" for number in range(150)]
    dns_world.silent.update(names)
    answers = {answer.domain: answer.mail for answer in ask_dns([*names, "good.example"])}
    assert answers.pop("good.example") is MailDomain.MX
    assert set(answers.values()) == {MailDomain.UNANSWERED}


def test_it_is_known_whether_anybody_answers(dns_world):
    assert dns_answers()
    dns_world.everybody_silent = True
    assert not dns_answers()


def test_of_two_servers_one_may_be_away(dns_world, monkeypatch):
    monkeypatch.setenv("DNS_RESOLVERS", f"127.0.0.1:1, {dns_world.address}")
    assert look_up_domains({"good.example"}) == {"good.example": MailDomain.MX}


@pytest.mark.parametrize("servers", ["nonsense:port", "127.0.0.1:99999999", "[::1", "::1"])
def test_a_server_that_is_none_is_named(dns_world, monkeypatch, servers):
    monkeypatch.setenv("DNS_RESOLVERS", servers)
    with pytest.raises(Unavailable, match="DNS_RESOLVERS"):
        ask_dns(["good.example"])


def test_search_domains_of_the_machine_are_not_tried(dns_world):
    said("ana@nowhere.example")
    assert {name for name, _ in dns_world.asked} == {"nowhere.example"}


def test_large_providers_are_never_taken_for_each_other():
    assert not any(similar_provider(domain) or known_slip(domain) for domain in LARGE)


def test_the_lists_do_not_contradict_each_other():
    assert not set(LARGE) & set(words_of("disposable_domains.txt"))
    meant = {known_slip(slip) for slip in ("gmial.com", "hotmial.com", "yaho.com", "outlok.com", "iclod.com")}
    assert meant <= set(LARGE)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmaiil.com", "gmail.com"),
        ("gmali.com", "gmail.com"),
        ("hotmaik.com", "hotmail.com"),
        ("outlokk.com", "outlook.com"),
        ("yahoo.ocm", "yahoo.com"),
        ("t-onlien.de", "t-online.de"),
        ("my-company.com", ""),
        ("gmx.de", ""),
        ("gmy.de", ""),
        ("a.com", ""),
    ],
)
def test_a_slip_of_the_keyboard_is_recognised(typed, meant):
    assert similar_provider(typed) == meant


def test_the_dns_server_of_the_tests_says_what_it_is_told():
    with DnsServer({"a.example": {"A": ["192.0.2.1"]}}) as server:
        assert server.address.startswith("127.0.0.1:")
