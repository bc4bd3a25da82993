"""create_template and send_campaign as an operator types them, with a real SMTP server at the end."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from campaigns.models import Campaign, Template
from contacts.models import Contact
from tests.campaigns.cast import HTML, add_contacts, add_provider, add_tag, add_template
from tests.outbound.engine_cast import Provider


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def told(*arguments):
    return json.loads(run(*arguments, "--json"))


SENDER = ("--template", "News", "--from", "Acme <news@acme.example>")


@pytest.fixture
def html(tmp_path):
    path = tmp_path / "news.html"
    path.write_text(HTML)
    return str(path)


def test_a_template_is_made_from_files(acme, html):
    answer = told(
        "create_template", "--tenant", "acme", "--name", "News", "--subject", "Hi", "--html", html, "--language", "fr"
    )
    connection.set_tenant(acme)
    template = Template.objects.get()
    assert answer == {"id": template.pk, "name": "News", "language": "fr", "category": "", "warnings": []}
    assert template.html == HTML


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("<p>{{ first_name | uper }}</p>", "In the html, line 1, column "),
        (None, "cannot be read: No such file or directory."),
    ],
)
def test_a_template_that_cannot_be_is_refused_in_a_sentence(acme, tmp_path, content, sentence):
    path = tmp_path / "x.html"
    if content:
        path.write_text(content)
    with pytest.raises(CommandError) as caught:
        run("create_template", "--tenant", "acme", "--name", "News", "--subject", "Hi", "--html", str(path))
    assert sentence in str(caught.value)


def test_waiting_alone_sends_everything_and_tells_the_counts(live_tenant):
    def refuse(verb, argument):
        return "550 5.1.1 no such user" if verb == "RCPT" and "user3@" in argument else None

    vip = add_tag("vip")
    add_contacts(50, tags=(vip,))
    add_contacts(5, prefix="other")
    add_template()
    with Provider(refuse) as provider:
        provider.account(name="Relay")
        answer = told("send_campaign", "--tenant", "live", "--name", "Spring", *SENDER, "--all-tags", "vip", "--wait")
        assert sum(provider.received.values()) == 49
    assert (answer["state"], answer["total"], answer["sent"], answer["bounced_hard"]) == ("sent", 50, 49, 1)
    connection.set_tenant(live_tenant)
    assert Contact.objects.get(email="user3@example.com").status == "bounced"
    assert Campaign.objects.get().state == Campaign.State.SENT


def test_a_campaign_for_later_is_scheduled(live_tenant):
    add_contacts(2)
    add_template()
    add_provider()
    words = run("send_campaign", "--tenant", "live", "--name", "Spring", *SENDER, "--at", "2099-03-01T09:00:00+01:00")
    assert "“Spring” is scheduled for 2099-03-01T08:00:00+00:00." in words


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--all-tags", "vpi"), "There is no tag 'vpi'. Did you mean 'vip'?"),
        (("--at", "tomorrow"), "'tomorrow' is not a time. Write it like 2026-03-01T09:00:00+01:00."),
        (("--provider", "Rely"), "There is no provider 'Rely'. There are: Relay."),
        (("--template", "Nws"), "There is no template “Nws”."),
        (("--from", "nobody"), "The sender cannot be used. There is no @ in it."),
        (("--all-tags", "vip"), "The audience is empty. Nobody who may be mailed has these tags and this language."),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(live_tenant, arguments, sentence):
    add_contacts(2)
    add_tag("vip")
    add_template()
    add_provider()
    with pytest.raises(CommandError) as caught:
        run("send_campaign", "--tenant", "live", "--name", "Spring", *SENDER, *arguments)
    assert str(caught.value) == sentence
    connection.set_tenant(live_tenant)
    assert not Campaign.objects.exists()


def test_a_sender_that_the_provider_refuses_ends_with_exit_code_1_and_the_reason(live_tenant):
    add_contacts(3)
    add_template()

    def refuse(verb, argument):
        return "550 5.7.1 sender not allowed" if verb == "MAIL" else None

    out = StringIO()
    with Provider(refuse) as provider:
        provider.account(name="Relay")
        with pytest.raises(SystemExit) as caught:
            call_command(
                "send_campaign", "--tenant", "live", "--name", "Spring", *SENDER, "--wait", "--json", stdout=out
            )
    assert caught.value.code == 1
    answer = json.loads(out.getvalue())
    assert answer["state"] == "paused"
    assert "sender not allowed" in answer["error"]
    assert answer["queued"] == 3
