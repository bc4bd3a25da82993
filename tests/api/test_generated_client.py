"""A client that a stranger generates from /openapi.json works against the real thing."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from django.db import connection

from api.docs.document import openapi_document
from contacts.models import Contact, Tag
from tenants.models import Tenant, Usage, WaitingMail
from tenants.services.keys import create_api_key
from tests.api.live import listening
from tests.api.relay_cast import furnish
from tests.api.relay_cast import rows as rows_of

# The generator knows bytes, and no CSV.
_OPTIONS = "post_hooks: []\ncontent_type_overrides:\n  text/csv: application/octet-stream\n"
_OPENING = """
    import sys
    from lettershop_api_client import AuthenticatedClient

    address, key, tenant = sys.argv[1], sys.argv[2], int(sys.argv[3])
    client = AuthenticatedClient(base_url=address, token=key, prefix="", auth_header_name="X-API-Key",
                                 raise_on_unexpected_status=True)
"""
_CONTACTS = """
    from lettershop_api_client.api.contacts import contacts_create, contacts_list
    from lettershop_api_client.api.tags import tags_create, tags_list
    from lettershop_api_client.models import NewContactRequest, NewTagRequest

    tag = tags_create.sync(client=client, body=NewTagRequest(slug="verified", name="Verified Contacts"))
    assert tag.slug == "verified", tag
    contact = contacts_create.sync(client=client, body=NewContactRequest(email="ann@example.com", tags=["verified"]))
    assert contact.tags == ["verified"], contact
    tags = tags_list.sync(tenant_id=tenant, client=client)
    assert [(one.slug, one.contact_count) for one in tags] == [("verified", 1)], tags
    page = contacts_list.sync(tenant_id=tenant, client=client)
    assert [one.email for one in page.items] == ["ann@example.com"], page
    print("the client works")
"""
_MESSAGES = """
    from lettershop_api_client.api.aegis import aegis_send_status
    from lettershop_api_client.api.e_mail_hosting import hosting_emails_get
    from lettershop_api_client.api.relay_messages import relay_messages_get, relay_messages_send
    from lettershop_api_client.models import NewMessageRequest

    message = NewMessageRequest(from_="shop@acme.example", to=["ann@example.com"], subject="Hello", text_body="Hello Ann")
    taken = relay_messages_send.sync(client=client, body=message, idempotency_key="once")
    again = relay_messages_send.sync(client=client, body=message, idempotency_key="once")
    assert taken.data.message_id == again.data.message_id, (taken, again)
    assert taken.data.status == "queued", taken
    found = relay_messages_get.sync(message_id=taken.data.message_id, client=client)
    assert (found.data.from_, found.data.to) == ("shop@acme.example", ["ann@example.com"]), found
    hosted = hosting_emails_get.sync(email_id=taken.data.message_id, client=client)
    assert [one.address for one in hosted.data.recipients] == ["ann@example.com"], hosted
    assert hosted.data.text == "Hello Ann", hosted
    assert aegis_send_status.sync(message_id=hosted.data.id, client=client).status == "queued"
    refused = relay_messages_send.sync(client=client, body=NewMessageRequest(from_="x", to=[], subject=""))
    assert refused.error.code == "MISSING_REQUIRED_FIELD", refused
    print("the client works")
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the client is."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_bytes(openapi_document())
    (folder / "options.yaml").write_text(_OPTIONS)
    generator = Path(sys.executable).with_name("openapi-python-client")
    asked = ["--path", "openapi.json", "--output-path", "client", "--config", "options.yaml", "--fail-on-warning"]
    subprocess.run([generator, "generate", *asked], cwd=folder, check=True, capture_output=True, text=True, timeout=100)
    return folder / "client"


def test_v31_a_generated_client_makes_a_tag_and_a_contact(live_tenant: Tenant, generated: Path) -> None:
    _run(_CONTACTS, live_tenant, generated)
    assert Tag.objects.get().slug == "verified"
    assert Contact.objects.get().email == "ann@example.com"


def test_v31_a_generated_client_sends_by_the_relay_and_follows_by_the_others(
    live_tenant: Tenant, generated: Path
) -> None:
    furnish()
    try:
        _run(_MESSAGES, live_tenant, generated)
        assert rows_of("SELECT door, subject FROM outbound_submission") == [("relay", "Hello")]
    finally:
        WaitingMail.objects.filter(schema=live_tenant.schema_name).delete()
        Usage.objects.filter(tenant=live_tenant).delete()


def _run(script: str, tenant: Tenant, generated: Path) -> None:
    """The script with the client, against a server; the connection is inside the tenant afterwards."""
    _, key = create_api_key(tenant=tenant, name="generated client")
    program = textwrap.dedent(_OPENING) + textwrap.dedent(script)
    with listening() as port:
        done = subprocess.run(
            [sys.executable, "-c", program, f"http://localhost:{port}", key, str(tenant.pk)],
            cwd=generated,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.stdout == "the client works\n", done.stderr
    connection.set_tenant(tenant)
