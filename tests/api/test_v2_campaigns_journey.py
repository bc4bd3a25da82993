"""From nothing to figures: over real HTTP, through the real engine, to a real SMTP server."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test.testcases import QuietWSGIRequestHandler

from campaigns.services.planning import plan_campaign, settle_campaign_of
from outbound.models import Message
from outbound.services import work_inline
from tenants.models import Tenant
from tenants.services.keys import create_api_key
from tests.outbound.engine_cast import Provider


@dataclass(frozen=True)
class Site:
    port: int
    key: str

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Host": "localhost", "X-API-Key": self.key, "Content-Type": "application/json"}
        try:
            client.request(method, f"/api/v2/{path}", None if body is None else json.dumps(body), headers)
            response = client.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        finally:
            client.close()


@contextmanager
def site(key: str) -> Iterator[Site]:
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Site(server.server_port, key)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_v28_a_campaign_goes_from_its_tag_to_its_figures_by_the_api_alone(live_tenant: Tenant) -> None:
    _, key = create_api_key(tenant=live_tenant, name="journey")
    connection.set_tenant(live_tenant)

    def script(verb: str, argument: str) -> str | None:
        return "550 5.1.1 No such user" if verb == "RCPT" and argument.startswith("gone@") else None

    with Provider(script) as provider, site(key) as here:
        account = provider.account()
        assert here.ask("POST", "tags", {"slug": "vip", "name": "VIP"})[0] == 201
        for name, language in (("ana", "fr"), ("bo", ""), ("gone", "fr")):
            person = {"email": f"{name}@example.com", "first_name": name.title(), "language": language}
            assert here.ask("POST", "contacts", {**person, "tags": ["vip"]})[0] == 201
        assert here.ask("POST", "contacts", {"email": "other@example.com"})[0] == 201
        words = {"name": "News", "html": '<p>{{ first_name }}</p><a href="{{ unsubscribe_url }}">Leave</a>'}
        status, main = here.ask("POST", "templates", {**words, "subject": "Hello {{ first_name }}"})
        assert status == 201
        assert here.ask("POST", "templates", {**words, "subject": "Bonjour", "language": "fr"})[0] == 201
        order = {
            "tenant_id": live_tenant.pk,
            "name": "Spring",
            "template_id": main["id"],
            "tags_all": ["vip"],
            "from": "Acme <news@acme.example>",
            "provider_id": account.pk,
        }
        status, campaign = here.ask("POST", "campaigns", order)
        assert status == 201, campaign
        path = f"campaigns/{live_tenant.pk}/{campaign['id']}"
        assert here.ask("POST", f"{path}/send")[1] == {
            "success": True,
            "campaign_id": campaign["id"],
            "status": "sending",
            "message": "Campaign queued for sending",
        }
        plan_campaign(campaign["id"])
        for message in Message.objects.filter(campaign_part__campaign_id=campaign["id"]):
            assert work_inline(message.pk).state == "finished"
            settle_campaign_of(message.pk)
        status, told = here.ask("GET", path)
        subjects = {
            mail.recipients[0]: BytesParser(policy=policy.default).parsebytes(mail.body)["Subject"]
            for mail in provider.server.taken
        }
        assert here.ask("GET", f"{path}/recipients?state=bounced")[1]["items"][0]["email"] == "gone@example.com"
        assert here.ask("POST", f"{path}/send")[0] == 409
    assert subjects == {"ana@example.com": "Bonjour", "bo@example.com": "Hello Bo"}
    counts = {name: count for name, count in told["counts"].items() if count}
    assert (status, told["status"]) == (200, "sent")
    assert counts == {"total": 3, "sent": 2, "delivered": 2, "bounced": 1}
