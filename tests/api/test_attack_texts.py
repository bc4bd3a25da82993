"""Texts given to the API that become a mail, a page, a file or a line of the log."""

import csv
import io
import json
import logging
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest
from django.db import connection

from campaigns.models import Campaign, Template
from common.jsonlog import JsonFormatter
from contacts.models import Contact, ContactAttribute, DataSource
from contacts.sources.managing import create_source
from outbound.models import Message
from tenants.members.models import Role
from tenants.models import Tenant
from tests.api.test_attack_requests import raw
from tests.api.v2_cast import caller
from tests.campaigns.cast import add_campaign, add_template
from tests.desk.conftest import logged_in
from tests.outbound.engine_cast import Provider

ENDS = ["\r\n", "\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.mark.parametrize("end", ENDS, ids=lambda end: repr(end))
def test_no_text_of_a_campaign_adds_a_line_to_the_head_of_its_mail(acme: Tenant, end: str) -> None:
    """Refused, or harmless: what leaves has the headers it is meant to have, and no other."""
    api, evil = caller(acme), f"Hello{end}Bcc: evil@example.com{end}X-Evil: 1"
    name = evil.replace("\0", "")  # no row holds one
    Contact.objects.create(email="ana@example.com", email_key="ana@example.com", first_name=name, last_name=name)
    with Provider() as provider:
        account = provider.account()
        plain = add_template(f"Plain {ord(end[0])}", subject="Hi {{ first_name }}", preheader="{{ last_name }}")
        campaign = add_campaign(plain, provider=account)
        for field in ("name", "from", "from_name", "from_email", "reply_to", "category", "language"):
            text = f"a@b.example{end}Bcc: e@x.example" if field in ("reply_to", "from_email") else evil
            text = f"{evil} <news@acme.example>" if field == "from" else text
            assert api.put(f"campaigns/{acme.pk}/{campaign.pk}", {field: text}).status_code in (200, 422), field
        template = {"name": f"T {ord(end[0])}", "subject": evil, "html": "<p>x</p>", "preheader": evil}
        assert api.post("templates", template).status_code in (201, 422)
        for one in Template.objects.exclude(pk=plain.pk):
            api.put(f"campaigns/{acme.pk}/{campaign.pk}", {"template_id": one.pk})
        answer = api.post(f"campaigns/{acme.pk}/{campaign.pk}/test", {"addresses": ["ana@example.com"]})
        assert answer.status_code in (200, 422), answer.content
        mails = [mail.body for mail in provider.server.taken]
        assert provider.server.faults == []
    for mail in mails:
        head = mail.partition(b"\r\n\r\n")[0]
        read = BytesParser(policy=policy.compat32).parsebytes(mail)
        assert {"bcc", "x-evil"}.isdisjoint(name.lower() for name in read)
        assert all(line[:1] in b" \t" or b":" in line for line in head.split(b"\r\n"))
        assert not any(byte in head.replace(b"\r\n", b"") for byte in b"\r\n\0\x0b\x0c\x1c\x1d\x1e")
    assert mails or answer.status_code == 422


def test_texts_of_the_api_are_texts_on_the_desks_pages(acme: Tenant) -> None:
    api, owner = caller(acme), logged_in(acme, Role.OWNER)
    template = api.post("templates", {"name": EVIL[:110], "subject": "x", "html": "<p>x</p>"}).json()
    made = api.post("campaigns", {"name": EVIL, "template_id": template["id"], "from": "Acme <news@acme.example>"})
    assert made.status_code == 201
    assert api.post("tags", {"slug": "evil", "name": EVIL, "description": EVIL}).status_code == 201
    assert api.post("contacts", {"email": "e@example.com", "first_name": EVIL, "tags": ["evil"]}).status_code == 201
    assert api.post("suppressions", {"email": "gone@example.com", "note": EVIL}).status_code == 201
    assert api.post("data-sources", {"name": EVIL, "type": "manual"}).status_code == 201
    assert api.post("segments", {"name": EVIL, "tree": {"tag": "evil"}}).status_code == 201
    shown = 0
    for path in ("", "campaigns/campaign/", f"campaigns/campaign/{made.json()['id']}/", "campaigns/template/",
                 "contacts/contact/", "contacts/tag/", "contacts/suppression/"):  # fmt: skip
        answer = owner.get(f"/admin/{path}", headers={"host": "acme.testserver"}, follow=True)
        connection.set_tenant(acme)
        page = answer.content.decode()
        assert "<script>alert(1)" not in page, path
        assert "<img src=x" not in page, path
        shown += "&lt;script&gt;alert(1)" in page
    assert shown >= 4


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "＝1+1"])
def test_no_cell_of_a_file_is_a_formula(acme: Tenant, cell: str) -> None:
    ContactAttribute.objects.create(key="city", label="City")
    Contact.objects.create(
        email="ana@example.com", email_key="ana@example.com", first_name=cell, last_name=cell, country=cell[:60],
        consent_note=cell, attributes={"city": cell},
    )  # fmt: skip
    answer: Any = caller(acme).get(f"contacts/{acme.pk}/export")
    text = b"".join(answer.streaming_content).decode()
    connection.set_tenant(acme)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    cells = [one for one in rows[1] if one]
    assert not [one for one in cells if one[:1] in tuple("=+-@\t\r＝")]


def test_a_file_is_named_without_line_breaks_or_quotes(acme: Tenant) -> None:
    campaign = add_campaign()
    Campaign.objects.filter(pk=campaign.pk).update(name='x"; filename="evil.exe\r\nX-Evil: 1/../../etc')
    answer = caller(acme).get(f"campaigns/{acme.pk}/{campaign.pk}/recipients.csv")
    b"".join(answer.streaming_content)
    connection.set_tenant(acme)
    disposition = answer.headers["Content-Disposition"]
    assert disposition.count('"') == 2
    assert ".csv" in disposition
    assert not set("\r\n/\\") & set(disposition)


def test_a_line_of_the_log_stays_one_line(acme: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    api = caller(acme)
    with caplog.at_level(logging.INFO):
        raw(api, "GET", f"tags/{acme.pk}%0d%0aforged%20line%1b[2J%e2%80%ae", x_request_id="a\r\nforged")
        raw(api, "GET", f"tags/{acme.pk}", x_request_id="x" * 5000, user_agent="\x1b[2J\r\nforged")
    for record in caplog.records:
        line = JsonFormatter().format(record)
        assert "\n" not in line
        assert "\r" not in line
        json.loads(line)


def test_an_error_does_not_repeat_a_secret(acme: Tenant) -> None:
    api, secret = caller(acme), "s3cr3t-t0ken"
    source = create_source(
        name="s", type="scraper-pro", config={"url": "https://a.example/", "auth": {"kind": "bearer"}}, secret=secret
    )
    moved = api.put(f"data-sources/{acme.pk}/{source.pk}", {"config": {"url": "https://evil.example/"}})
    assert (moved.status_code, moved.json()["error"]["field"]) == (422, "config.auth.secret")
    answers = [moved]
    for auth in (
        {"kind": "bearer", "secret": f"{secret}\r\nX: 1"},
        {"kind": "x", "secret": secret},
        {"kind": "basic", "secret": [secret]},
    ):
        answers.append(
            api.post("data-sources", {"name": "t", "type": "scraper-pro", "config": {"url": "x", "auth": auth}})
        )
        answers.append(api.put(f"data-sources/{acme.pk}/{source.pk}", {"config": {"auth": auth}}))
    for key in (api.key + "x", api.key[:-1], "x" * 5000):
        answers.append(api.get(f"tags/{acme.pk}", x_api_key=key))
        assert key.encode() not in answers[-1].content
    assert {answer.status_code for answer in answers} <= {401, 422}
    assert not [answer for answer in answers if secret.encode() in answer.content]
    assert DataSource.objects.get(pk=source.pk).config["url"] == "https://a.example/"
    assert not Message.objects.exists()
