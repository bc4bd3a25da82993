"""The demo's parts one by one; the whole of it is run by `DEMO_ONCE=1 make demo`."""

import csv
import io
import os
import re
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from common.errors import Unavailable
from contacts.importing.pipeline import import_contacts
from contacts.models import Contact, ContactStatus
from embedded.demo.audience import HEADINGS, ROWS, write_export
from embedded.demo.dsn import user_unknown
from embedded.demo.inbox import Inbox
from embedded.demo.surroundings import choose_ports, demo_password, settle_in
from embedded.parts import child_environ
from tenants.models import Tenant

ROOT = Path(__file__).resolve().parents[2]


def test_the_export_is_the_same_every_time(tmp_path: Path) -> None:
    write_export(tmp_path / "one.csv")
    write_export(tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_the_export_looks_like_one_from_a_spreadsheet(tmp_path: Path) -> None:
    write_export(tmp_path / "export.csv")
    raw = (tmp_path / "export.csv").read_bytes()
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";"))
    filled = [row for row in rows[1:] if any(row)]
    assert raw.startswith(b"\xef\xbb\xbfE-mail address;")
    assert tuple(rows[0]) == HEADINGS
    assert len(filled) == ROWS
    assert any("\r\n" in cell for row in filled for cell in row), "notes run over several lines"
    assert any(row[0] != row[0].strip() for row in filled), "addresses are padded"


def test_every_address_of_the_export_is_at_a_domain_that_nobody_can_have(tmp_path: Path) -> None:
    write_export(tmp_path / "export.csv")
    text = (tmp_path / "export.csv").read_text("utf-8-sig")
    addresses = [row[0] for row in csv.reader(io.StringIO(text, newline=""), delimiter=";") if row[0].count("@") == 1]
    domains = {address.strip().lower().rpartition("@")[2] for address in addresses if " " not in address.strip()}
    reserved = ("example.com", "example.org", "example.net")
    assert {domain for domain in domains if domain and not domain.endswith(reserved)} == set()


def test_the_importer_takes_the_export_and_says_what_it_left_out(acme: Tenant, tmp_path: Path) -> None:
    write_export(tmp_path / "export.csv")
    run = import_contacts(path=tmp_path / "export.csv", tags=["demo"])
    assert run.rows_total == ROWS
    assert run.created + run.duplicates + run.invalid == ROWS
    assert (run.duplicates, run.invalid) == (19, 14)
    statuses = set(Contact.objects.values_list("status", flat=True))
    assert {
        ContactStatus.ACTIVE,
        ContactStatus.UNSUBSCRIBED,
        ContactStatus.BOUNCED,
        ContactStatus.UNCONFIRMED,
    } == statuses
    someone = Contact.objects.get(email_key="harry.gupta11@example.net")
    assert (someone.first_name, someone.country, someone.language) == ("Harry", "IE", "en")
    assert (someone.attributes["orders"], someone.attributes["spent"]) == (7, 112.55)


def test_importing_it_again_changes_nothing(acme: Tenant, tmp_path: Path) -> None:
    write_export(tmp_path / "export.csv")
    first = import_contacts(path=tmp_path / "export.csv")
    second = import_contacts(path=tmp_path / "export.csv")
    assert (second.created, second.updated, second.unchanged) == (0, 0, first.created)


def test_a_demo_keeps_away_from_the_database_of_a_real_installation() -> None:
    environ = {"DATABASE_URL": "postgres://real/one", "SECRET_KEY": "x", "PUBLIC_URL": "https://real", "PATH": "/bin"}
    settle_in(environ, Path("/project"))
    assert environ == {"PATH": "/bin", "LETTERSHOP_DATA": "/project/var/demo"}


def test_a_data_directory_that_was_asked_for_is_used() -> None:
    environ = {"LETTERSHOP_DATA": "/elsewhere"}
    settle_in(environ, Path("/project"))
    assert environ == {"LETTERSHOP_DATA": "/elsewhere"}


def test_a_port_that_is_taken_is_replaced_by_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = choose_ports(port, port, port, port)
    chosen = [ports.web, ports.inbox, ports.smtp, ports.bounces]
    assert port not in chosen
    assert len(set(chosen)) == 4


def test_the_password_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    assert demo_password(tmp_path) == demo_password(tmp_path)
    assert (tmp_path / "password").stat().st_mode & 0o077 == 0


def test_the_notification_is_a_report_on_one_dead_mailbox() -> None:
    raw = user_unknown(to="b-1@bounces.example.com", recipient="a@example.net", message_id="<1@x>", subject="Hi")
    mail = message_from_bytes(raw)
    status = next(part for part in mail.walk() if part.get_content_type() == "message/delivery-status")
    recipient = status.get_payload()[1]
    assert mail.get_param("report-type") == "delivery-status"
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.1")
    assert recipient["Final-Recipient"].endswith("a@example.net")


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """A running mail catcher: its ports for SMTP and for HTTP."""
    ports = choose_ports(26_000, 26_100, 26_200, 26_300)
    argv = [sys.executable, "-m", "embedded.catcher", "--smtp-port", str(ports.smtp), "--http-port", str(ports.inbox)]
    process = subprocess.Popen([*argv, "--data-dir", str(tmp_path)], env=child_environ(tmp_path))
    try:
        for port in (ports.smtp, ports.inbox):
            _wait_for(port)
        yield ports.smtp, ports.inbox
    finally:
        process.terminate()
        process.wait()


def test_a_recipient_finds_pixel_links_and_the_way_out_in_a_mail(catcher: tuple[int, int]) -> None:
    smtp_port, http_port = catcher
    mail = (
        b"From: a@example.com\r\nTo: b@example.net\r\nSubject: Hi\r\nMessage-ID: <1@example.com>\r\n"
        b"List-Unsubscribe: <http://acme.localhost:8000/u/TOKEN>, <mailto:x@example.com>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        b'<a href="http://acme.localhost:8000/c/TOKEN/0">one</a> <a href="https://www.example.com/">plain</a>'
        b'<img src="http://acme.localhost:8000/o/TOKEN.gif" alt="">\r\n'
    )
    with smtplib.SMTP("127.0.0.1", smtp_port) as server:
        server.sendmail("b-1@bounces.example.com", ["b@example.net"], mail)
    with Inbox(http_port) as inbox:
        newest = inbox.newest()
        assert inbox.since(0) == [newest]
        assert inbox.since(newest) == []
        caught = inbox.mail(newest)
    assert (caught.sender, caught.recipient) == ("b-1@bounces.example.com", "b@example.net")
    assert caught.pixel == "http://acme.localhost:8000/o/TOKEN.gif"
    assert caught.tracked == ("http://acme.localhost:8000/c/TOKEN/0",)
    assert caught.one_click == "http://acme.localhost:8000/u/TOKEN"


def test_an_inbox_that_is_away_is_said_in_a_sentence() -> None:
    ports = choose_ports(27_000, 27_001, 27_002, 27_003)
    with Inbox(ports.inbox) as inbox, pytest.raises(Unavailable, match="does not answer"):
        inbox.newest()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_whole_demo_ends_with_its_report_and_leaves_nothing_running(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "LETTERSHOP_DATA")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "demo", "--data-dir", str(tmp_path), "--port", "28000",
         "--inbox-port", "28100", "--smtp-port", "28200", "--bounce-port", "28300"],
        env={**environ, "DEMO_ONCE": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = dict(re.findall(r"^([a-z ]+?) {2,}([\d,]+)", done.stdout, re.MULTILINE))
    assert (figures["rows"], figures["new contacts"]) == ("1,000", "967")
    assert figures["taken by the provider"] == figures["recipients"]
    assert (figures["bounced"], figures["unsubscribed"], figures["in doubt"]) == ("1", "1", "0")
    assert int(figures["opened"]) > int(figures["clicked"]) > 100
    assert "http://acme.localhost:28" in done.stdout
    assert re.search(r"harry.gupta11@example.net  sent  msg_[a-z0-9]{26}\n", done.stdout)
    assert re.search(r"curl http://localhost:28\d+/send -H 'X-API-Key: ls_", done.stdout)
    assert '"level": "ERROR"' not in (tmp_path / "demo.log").read_text()
    assert not [pid for pid in Path("/proc").glob("[0-9]*") if _uses(pid, tmp_path)]


def _uses(process: Path, data_dir: Path) -> bool:
    try:
        return str(data_dir).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")
