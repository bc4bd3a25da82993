"""From nothing to a connection that takes mail, and the sentences for what goes wrong on the way."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from common.errors import InvalidInput
from outbound.smtp.auth import is_safe_for_passwords
from outbound.smtp.handshake import Handshake
from outbound.smtp.probe import ProbeReport, probe
from outbound.smtp.tls import make_context
from outbound.smtp.types import SmtpAccount, SmtpDown, Timeouts
from tests.outbound.smtp_certificates import Certificate, self_signed
from tests.outbound.smtp_pump import on_each_loop
from tests.outbound.smtp_server import HangUp, SmtpServer, Whim

SECRET = "correct horse battery staple"
USERS = {"acme": SECRET}


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return self_signed(tmp_path)


def account_at(server: SmtpServer, **settings: Any) -> SmtpAccount:
    return SmtpAccount("127.0.0.1", server.port, **({"tls": "none"} | settings))


def says(**replies: str) -> Whim:
    async def whim(verb: str, argument: str) -> str | None:
        return replies.get(verb)

    return whim


async def failure(server: SmtpServer, **settings: Any) -> SmtpDown:
    async with server:
        report = await probe(account_at(server, **settings))
    assert report.error is not None
    assert not report.steps[-1].ok
    assert report.steps[-1].detail == str(report.error)
    return report.error


def own_address() -> str | None:
    """An address of this machine that other machines could use."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        address: str = sock.getsockname()[0]
    return None if address.startswith("127.") else address


def names(report: ProbeReport) -> list[str]:
    return [step.name for step in report.steps]


@on_each_loop
async def test_a_probe_tells_each_step(certificate: Certificate) -> None:
    async with SmtpServer(tls=certificate.context, users=USERS) as server:
        account = account_at(server, tls="starttls", ca_file=certificate.ca_file, username="acme", password=SECRET)
        report = await probe(account)
    assert report.ok
    assert report.error is None
    assert names(report) == ["connect", "greeting", "ehlo", "starttls", "auth", "quit"]
    assert all(step.ok and step.milliseconds > 0 for step in report.steps)
    assert "TLSv1." in report.steps[3].detail
    assert report.capabilities is not None
    assert report.capabilities.pipelining
    assert server.taken == server.faults == []
    assert server.commands[-1] == "QUIT"


@on_each_loop
async def test_implicit_tls_comes_before_the_greeting(certificate: Certificate) -> None:
    async with SmtpServer(tls=certificate.context, implicit_tls=True) as server:
        report = await probe(account_at(server, tls="implicit", ca_file=certificate.ca_file))
    assert report.ok
    assert names(report) == ["connect", "tls", "greeting", "ehlo", "quit"]


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "CRAM-MD5 LOGIN"])
@on_each_loop
async def test_the_password_is_given_by_what_the_server_offers(mechanisms: str) -> None:
    async with SmtpServer(users=USERS, mechanisms=mechanisms) as server:
        report = await probe(account_at(server, username="acme", password=SECRET))
    assert report.ok
    expected = "PLAIN" if "PLAIN" in mechanisms else "LOGIN"
    assert report.steps[3].detail == f"accepted by {expected}"


@on_each_loop
async def test_a_password_too_long_for_one_command_line_is_given_in_two() -> None:
    long = "x" * 600
    async with SmtpServer(users={"acme": long}) as server:
        assert (await probe(account_at(server, username="acme", password=long))).ok
    assert "AUTH PLAIN" in server.commands


@on_each_loop
async def test_a_wrong_password_is_permanent_and_is_never_repeated() -> None:
    error = await failure(SmtpServer(users=USERS), username="acme", password="hunter2 of all")
    assert error.permanent
    assert "does not accept the user name and the password: 535" in str(error)
    assert "hunter2" not in str(error)


def test_the_password_is_not_shown_with_the_account() -> None:
    assert SECRET not in repr(SmtpAccount("h", 25, username="acme", password=SECRET))


@on_each_loop
async def test_a_server_that_cannot_check_passwords_just_now_is_tried_again() -> None:
    error = await failure(
        SmtpServer(users=USERS, whim=says(AUTH="454 4.7.0 Directory away")), username="acme", password=SECRET
    )
    assert not error.permanent


@pytest.mark.parametrize("mechanisms", ["CRAM-MD5", "GSSAPI NTLM"])
@on_each_loop
async def test_a_server_without_a_known_way_to_log_in_is_refused(mechanisms: str) -> None:
    error = await failure(SmtpServer(users=USERS, mechanisms=mechanisms), username="acme", password=SECRET)
    assert error.permanent
    assert mechanisms.split()[0] in str(error)


@on_each_loop
async def test_a_server_that_offers_no_login_is_refused() -> None:
    error = await failure(SmtpServer(), username="acme", password=SECRET)
    assert error.permanent
    assert "does not offer AUTH" in str(error)


@on_each_loop
async def test_no_password_goes_over_the_network_in_clear() -> None:
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    async with SmtpServer(users=USERS, address=address) as server:
        report = await probe(SmtpAccount(address, server.port, tls="none", username="acme", password=SECRET))
    assert report.error is not None
    assert report.error.permanent
    assert "without encryption" in str(report.error)
    assert not any(command.startswith("AUTH") for command in server.commands)


@pytest.mark.parametrize(
    ("tls", "peer", "safe"),
    [
        ("none", "127.0.0.1", True),
        ("none", "::1", True),
        ("none", "192.0.2.1", False),
        ("none", "10.0.0.1", False),
        ("none", "fe80::1%eth0", False),
        ("starttls", "192.0.2.1", True),
        ("implicit", "192.0.2.1", True),
    ],
)
def test_passwords_are_given_over_tls_or_within_this_machine(tls: Any, peer: str, safe: bool) -> None:
    assert is_safe_for_passwords(SmtpAccount("h", 25, tls=tls), peer) is safe


@on_each_loop
async def test_there_is_no_way_back_from_starttls_to_clear_text() -> None:
    error = await failure(SmtpServer(), tls="starttls")
    assert error.permanent
    assert "does not offer STARTTLS" in str(error)


@on_each_loop
async def test_what_is_injected_before_tls_is_forgotten(certificate: Certificate) -> None:
    injected = "220 2.0.0 Go ahead\r\n250-evil\r\n250-AUTH LOGIN\r\n250 SIZE 1"
    async with SmtpServer(tls=certificate.context, whim=says(STARTTLS=injected)) as server:
        report = await probe(account_at(server, tls="starttls", ca_file=certificate.ca_file))
    assert report.ok
    assert report.capabilities is not None
    assert report.capabilities.size == 1_000_000
    assert not report.capabilities.auth
    assert sum(command.startswith("EHLO") for command in server.commands) == 2


@on_each_loop
async def test_offers_made_before_tls_do_not_count(certificate: Certificate) -> None:
    ehlos = iter(["250-x\r\n250-CHUNKING\r\n250 STARTTLS", "250-x\r\n250 PIPELINING"])

    async def whim(verb: str, argument: str) -> str | None:
        return next(ehlos) if verb == "EHLO" else None

    async with SmtpServer(tls=certificate.context, whim=whim) as server:
        report = await probe(account_at(server, tls="starttls", ca_file=certificate.ca_file))
    assert report.capabilities is not None
    assert report.capabilities.pipelining
    assert not report.capabilities.chunking


@on_each_loop
async def test_an_unknown_certificate_is_not_trusted(certificate: Certificate) -> None:
    for tls, implicit in (("starttls", False), ("implicit", True)):
        server = SmtpServer(tls=certificate.context, implicit_tls=implicit, users=USERS)
        error = await failure(server, tls=tls, username="acme", password=SECRET)
        assert error.permanent
        assert "cannot be trusted" in str(error)
        assert not any(command.startswith("AUTH") for command in server.commands)


@on_each_loop
async def test_a_certificate_for_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, address="192.0.2.1")
    error = await failure(SmtpServer(tls=certificate.context), tls="starttls", ca_file=certificate.ca_file)
    assert error.permanent
    assert "mismatch" in str(error)


@on_each_loop
async def test_an_expired_certificate_is_not_trusted(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, days=-1)
    error = await failure(SmtpServer(tls=certificate.context), tls="starttls", ca_file=certificate.ca_file)
    assert error.permanent
    assert "expired" in str(error)


@on_each_loop
async def test_an_operator_may_do_without_verification(certificate: Certificate) -> None:
    async with SmtpServer(tls=certificate.context) as server:
        assert (await probe(account_at(server, tls="starttls", verify=False))).ok


def test_old_versions_of_tls_are_not_spoken() -> None:
    context = make_context(SmtpAccount("h", 25))
    assert context is not None
    assert context.minimum_version.name == "TLSv1_2"


@on_each_loop
async def test_a_file_of_authorities_that_is_not_there_is_named() -> None:
    report = await probe(SmtpAccount("127.0.0.1", 25, ca_file="/nowhere/ca.pem"))
    assert report.error is not None
    assert report.error.permanent
    assert "/nowhere/ca.pem" in str(report.error)


@on_each_loop
async def test_implicit_tls_with_a_port_that_does_not_is_explained() -> None:
    error = await failure(SmtpServer(), tls="implicit")
    assert error.permanent
    assert "does not speak TLS" in str(error)


@on_each_loop
async def test_clear_text_with_a_port_of_implicit_tls_is_explained(certificate: Certificate) -> None:
    server = SmtpServer(tls=certificate.context, implicit_tls=True)
    error = await failure(server, timeouts=Timeouts(greeting=0.2))
    assert "did not answer within 0.2 s" in str(error)


@on_each_loop
async def test_a_server_that_only_knows_helo_will_do() -> None:
    async with SmtpServer(knows_ehlo=False) as server:
        report = await probe(account_at(server))
    assert report.ok
    assert report.capabilities is not None
    assert not report.capabilities.pipelining
    assert server.commands == ["EHLO localhost", "HELO localhost", "QUIT"]


@pytest.mark.parametrize(("greeting", "permanent"), [("421 4.7.0 Too many", False), ("554 5.7.1 Blocked", True)])
@on_each_loop
async def test_a_greeting_that_is_none_says_why(greeting: str, permanent: bool) -> None:
    error = await failure(SmtpServer(whim=says(CONNECT=greeting)))
    assert error.permanent is permanent
    assert error.temporary is not permanent
    assert greeting.split(" ", 2)[2] in str(error)


@on_each_loop
async def test_a_refused_name_says_why() -> None:
    error = await failure(SmtpServer(whim=says(EHLO="550 5.7.1 Who?", HELO="550 5.7.1 Who?")))
    assert "does not accept our name: 550 Who?" in str(error)


@on_each_loop
async def test_a_port_where_nobody_listens_is_named() -> None:
    async with SmtpServer() as server:
        account = account_at(server)
    report = await probe(account)
    assert report.error is not None
    assert not report.error.permanent
    assert f"127.0.0.1 port {account.port} refuses connections" in str(report.error)


@on_each_loop
async def test_a_name_that_does_not_exist_is_named() -> None:
    for host in ("no-such-host.invalid", "a..b", "x" * 70 + ".example"):
        report = await probe(SmtpAccount(host, 25, tls="none"))
        assert report.error is not None
        assert f"{host} cannot be resolved" in str(report.error)


@on_each_loop
async def test_a_server_that_hangs_up_is_named() -> None:
    async def whim(verb: str, argument: str) -> str | None:
        if verb == "EHLO":
            raise HangUp
        return None

    assert "hung up" in str(await failure(SmtpServer(whim=whim)))


@on_each_loop
async def test_a_server_that_speaks_something_else_is_named() -> None:
    error = await failure(SmtpServer(whim=says(CONNECT="HTTP/1.1 400 Bad Request")))
    assert "does not speak SMTP" in str(error)
    assert "HTTP/1.1 400" in str(error)


@on_each_loop
async def test_a_silent_server_is_given_up() -> None:
    async def whim(verb: str, argument: str) -> str | None:
        await asyncio.sleep(5)
        return None

    error = await failure(SmtpServer(whim=whim), timeouts=Timeouts(greeting=0.1))
    assert "did not answer within 0.1 s" in str(error)


@on_each_loop
async def test_a_server_that_talks_out_of_turn_is_not_used() -> None:
    async with SmtpServer(whim=says(EHLO="250 x\r\n421 4.3.2 Changed my mind")) as server:
        handshake = Handshake(account_at(server), None)
        with pytest.raises(SmtpDown, match="Changed my mind"):
            await handshake.run()


@pytest.mark.parametrize(
    "settings",
    [
        {"host": ""},
        {"port": 0},
        {"port": 65536},
        {"tls": "maybe"},
        {"helo_name": "a b"},
        {"helo_name": "a\r\nMAIL FROM:<x>"},
        {"helo_name": ""},
        {"connections": 0},
        {"window": -1},
        {"first_window": 0},
        {"messages_per_connection": -1},
    ],
)
def test_an_account_that_cannot_work_is_refused_when_it_is_made(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        SmtpAccount(**({"host": "h", "port": 25} | settings))
