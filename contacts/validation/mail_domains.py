"""What the DNS says about a domain's mail: RFC 5321 section 5.1, RFC 7505 (null MX), RFC 2308 (how long "no" counts)."""

import asyncio
import re
import socket
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
import dns.ttl

from common import environment
from common.errors import Unavailable

LOOK_UP_SECONDS = 3.0
AT_ONCE = 200  # look-ups, each with a socket
_ONE_TRY_SECONDS = 1.4
_DNS_PORT = 53
_SERVER = re.compile(r"(?:\[(?P<bracketed>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")


class MailDomain(StrEnum):
    """How a domain stands to mail."""

    MX = "mx"  # it names its mail servers
    ADDRESS = "address"  # it names none, but is a host itself: mail goes there
    NULL_MX = "null_mx"  # it says that it takes no mail
    NO_SERVER = "no_server"  # it exists, and there is nowhere to send mail to
    NO_DOMAIN = "no_domain"  # it does not exist
    UNANSWERED = "unanswered"  # nobody knows: no answer in time, or a broken one


@dataclass(frozen=True, slots=True)
class DomainAnswer:
    """`seconds`: for how long the answer may be believed, as the DNS says it; 0 when it does not say."""

    domain: str
    mail: MailDomain
    seconds: int = 0


def ask_dns(domains: list[str]) -> list[DomainAnswer]:
    """Ask for all of them at once; each takes LOOK_UP_SECONDS at most. Raises Unavailable when no DNS server is known."""
    resolver = _resolver(environment.text("DNS_RESOLVERS"))
    return asyncio.run(_ask_all(resolver, domains))


def dns_answers() -> bool:
    """Whether anybody answers at all: asks for the root, which every resolver knows something about."""
    return asyncio.run(_root_answers(_resolver(environment.text("DNS_RESOLVERS"))))


async def _ask_all(resolver: dns.asyncresolver.Resolver, domains: list[str]) -> list[DomainAnswer]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(domain: str) -> DomainAnswer:
        async with turns:
            return await _ask(resolver, domain)

    return list(await asyncio.gather(*(one(domain) for domain in domains)))


async def _ask(resolver: dns.asyncresolver.Resolver, domain: str) -> DomainAnswer:
    try:
        # The name as it stands: with search domains, a misspelled one would be found at home.
        name = dns.name.from_text(domain)
        async with asyncio.timeout(LOOK_UP_SECONDS):
            return await _look_up(resolver, domain, name)
    except dns.resolver.NXDOMAIN as gone:
        return DomainAnswer(domain, MailDomain.NO_DOMAIN, _believed_gone(gone))
    except (dns.exception.DNSException, TimeoutError, OSError):
        return DomainAnswer(domain, MailDomain.UNANSWERED)


async def _look_up(resolver: dns.asyncresolver.Resolver, domain: str, name: dns.name.Name) -> DomainAnswer:
    servers = await resolver.resolve(name, dns.rdatatype.MX, raise_on_no_answer=False)
    if servers.rrset:
        null = all(server.exchange == dns.name.root for server in servers)
        return DomainAnswer(domain, MailDomain.NULL_MX if null else MailDomain.MX, _believed(servers))
    hosts = await asyncio.gather(
        resolver.resolve(name, dns.rdatatype.A, raise_on_no_answer=False),
        resolver.resolve(name, dns.rdatatype.AAAA, raise_on_no_answer=False),
        return_exceptions=True,
    )
    answers = [host for host in hosts if isinstance(host, dns.resolver.Answer)]
    seconds = min(_believed(answer) for answer in (servers, *answers))
    if any(answer.rrset for answer in answers):
        return DomainAnswer(domain, MailDomain.ADDRESS, seconds)
    for fault in hosts:
        if isinstance(fault, BaseException):
            raise fault
    return DomainAnswer(domain, MailDomain.NO_SERVER, seconds)


async def _root_answers(resolver: dns.asyncresolver.Resolver) -> bool:
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            await resolver.resolve(dns.name.root, dns.rdatatype.NS, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return True
    except dns.resolver.NoNameservers as refused:
        # A server that answers SERVFAIL is there; one that cannot be reached leaves no response.
        return any(response is not None for *_, response in refused.kwargs.get("errors", ()))
    except (dns.exception.DNSException, TimeoutError, OSError):
        return False
    return True


def _believed(answer: dns.resolver.Answer) -> int:
    seconds = answer.chaining_result.minimum_ttl
    return 0 if seconds >= dns.ttl.MAX_TTL else seconds


def _believed_gone(gone: dns.resolver.NXDOMAIN) -> int:
    responses: dict[dns.name.Name, dns.message.QueryMessage] = gone.kwargs.get("responses", {})
    seconds = min((response.resolve_chaining().minimum_ttl for response in responses.values()), default=0)
    return 0 if seconds >= dns.ttl.MAX_TTL else seconds


@lru_cache(maxsize=8)
def _resolver(servers: str) -> dns.asyncresolver.Resolver:
    """`servers`: host:port, host or [IPv6]:port, with commas between; empty: those of the machine."""
    try:
        resolver = dns.asyncresolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration as error:
        raise Unavailable("This machine has no DNS server.", hint="Name one in DNS_RESOLVERS.") from error
    if servers:
        resolver.nameservers = [_nameserver(one.strip()) for one in servers.split(",") if one.strip()]
    resolver.timeout, resolver.lifetime = _ONE_TRY_SECONDS, LOOK_UP_SECONDS
    return resolver


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    found = _SERVER.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        port = int(found["port"] or _DNS_PORT)
        answers = socket.getaddrinfo(found["bracketed"] or found["host"], port, type=socket.SOCK_DGRAM)
    except (OSError, ValueError) as error:
        raise Unavailable(f"{text!r} in DNS_RESOLVERS is no server.", hint="Write it as 192.0.2.53:53.") from error
    address, number = answers[0][4][:2]
    return dns.nameserver.Do53Nameserver(str(address), int(number))
