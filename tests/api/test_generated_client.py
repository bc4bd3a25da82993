"""A client that a stranger generates from /openapi.json works against the real thing."""

import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path

from django.db import connection

from contacts.models import Contact, Tag
from tenants.models import Tenant
from tenants.services.keys import create_api_key
from tests.api.live import listening

# The generator knows bytes, and no CSV.
_OPTIONS = "post_hooks: []\ncontent_type_overrides:\n  text/csv: application/octet-stream\n"
_SCRIPT = """
    import sys
    from lettershop_api_client import AuthenticatedClient
    from lettershop_api_client.api.contacts import contacts_create, contacts_list
    from lettershop_api_client.api.tags import tags_create, tags_list
    from lettershop_api_client.models import NewContactRequest, NewTagRequest

    address, key, tenant = sys.argv[1], sys.argv[2], int(sys.argv[3])
    client = AuthenticatedClient(base_url=address, token=key, prefix="", auth_header_name="X-API-Key",
                                 raise_on_unexpected_status=True)
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


def test_v31_a_generated_client_makes_a_tag_and_a_contact(live_tenant: Tenant, tmp_path: Path) -> None:
    _, key = create_api_key(tenant=live_tenant, name="generated client")
    with listening() as port:
        address = f"http://localhost:{port}"
        document = tmp_path / "openapi.json"
        document.write_bytes(urllib.request.urlopen(f"{address}/openapi.json", timeout=30).read())
        (tmp_path / "options.yaml").write_text(_OPTIONS)
        subprocess.run(
            [
                Path(sys.executable).with_name("openapi-python-client"),
                "generate",
                "--path",
                document,
                "--output-path",
                tmp_path / "client",
                "--config",
                tmp_path / "options.yaml",
                "--fail-on-warning",
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=100,
        )
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(_SCRIPT), address, key, str(live_tenant.pk)],
            cwd=tmp_path / "client",
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.stdout == "the client works\n", done.stderr
    connection.set_tenant(live_tenant)
    assert Tag.objects.get().slug == "verified"
    assert Contact.objects.get().email == "ann@example.com"
