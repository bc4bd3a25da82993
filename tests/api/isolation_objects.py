"""What acme owns in trials of isolation: one of everything, with a mark in every text, and a picture of all its rows."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connection
from django.utils import timezone

from api.callbacks.endpoints import EndpointDraft, create_endpoint
from api.callbacks.models import Delivery, Endpoint
from api.hooks.receiving import receive
from campaigns.models import Campaign
from campaigns.services.variants import VariantDraft, set_variants
from contacts.models import (
    Contact,
    ContactAttribute,
    DataSource,
    Import,
    ImportReject,
    Segment,
    SourceRun,
    Suppression,
    Tag,
    ValidationRun,
)
from contacts.services.imports import TASK
from contacts.services.suppressing import suppress
from contacts.sources.managing import create_source
from outbound.stamping import key_ring
from tenants.models import Tenant
from tenants.services.due import note_due
from tenants.services.keys import create_api_key
from tests.campaigns.cast import add_campaign, add_provider, add_template
from tests.campaigns.report_cast import give_events, give_outcomes, send

MARK = "zq7secret"
PLAIN_TAG = "vip"
GONE = "gone@example.com"
_ABOUT_TENANTS = ("tenants_tenant", "tenants_host", "tenants_duework", "tenants_apikey")


@dataclass(frozen=True)
class Owned:
    """Ids by the name that paths give them."""

    ids: dict[str, int | str] = field(default_factory=dict)


def make_everything(acme: Tenant, folder: Path) -> Owned:
    """Inside acme: one of each, and a second one where the first cannot be deleted, run or resumed."""
    owned = Owned()
    _add_sources(owned)
    _add_people(owned)
    _add_campaigns(acme, owned)
    _add_imports(owned, folder)
    _add_the_rest(acme, owned)
    return owned


def picture(*schemas: str) -> dict[str, str]:
    """By table: how many rows were written in this transaction, undone or not, in these schemas; and a digest of what
    is said about tenants in public. A key's time of last use is left out, and what a door remembers to answer once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname || '.' || relname, (n_tup_ins + n_tup_upd + n_tup_del)::text"
            " FROM pg_stat_xact_user_tables WHERE schemaname = ANY(%s) AND n_tup_ins + n_tup_upd + n_tup_del > 0"
            " AND relname <> 'ledger_answeredcall'",
            [list(schemas)],
        )
        written = dict(cursor.fetchall())
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', md5(coalesce(string_agg(r, '' ORDER BY r), ''))"
                f" FROM (SELECT (to_jsonb(t) - 'last_used_at')::text FROM public.{table} t) AS u(r)"
                for table in _ABOUT_TENANTS
            )
        )
        return {**written, **dict(cursor.fetchall())}


def _add_sources(owned: Owned) -> None:
    source = create_source(
        name=f"Source {MARK}",
        type="scraper-pro",
        config={"url": f"https://{MARK}.example.com/people", "auth": {"kind": "bearer", "secret": MARK}},
        secret=MARK,
    )
    DataSource.objects.filter(pk=source.pk).update(last_error=MARK, high_water=MARK)
    run = SourceRun.objects.create(
        source=source,
        state="finished",
        error=MARK,
        rejects=[{"page": 1, "item": 1, "id": MARK, "reason": MARK}],
        notes=[{"message": MARK, "example": MARK, "count": 1, "line": 1}],
    )
    spare = create_source(name=f"Spare {MARK}", type="manual", config={})
    owned.ids.update(source_id=source.pk, run_id=run.pk, spare_source_id=spare.pk)


def _add_people(owned: Owned) -> None:
    tag = Tag.objects.create(slug=MARK, name=f"Tag {MARK}", description=MARK)
    plain = Tag.objects.create(slug=PLAIN_TAG, name=f"Plain {MARK}", description=MARK)
    aimed = Tag.objects.create(slug=f"aimed_{MARK}", name=MARK)
    ContactAttribute.objects.create(key=MARK, label=MARK)
    contacts = Contact.objects.bulk_create(
        Contact(
            email=f"{MARK}{number}@example.com",
            email_key=f"{MARK}{number}@example.com",
            first_name=f"First {MARK}",
            last_name=f"Last {MARK}",
            country=MARK,
            tags=sorted([tag.pk, plain.pk, aimed.pk]),
            attributes={MARK: MARK},
            consent_note=MARK,
            source_id=owned.ids["source_id"],
        )
        for number in range(20)
    )
    tree = {"field": "first_name", "starts_with": "First zq7"}
    segment = Segment.objects.create(name=f"Segment {MARK}", description=MARK, tree={"all": [tree, {"tag": MARK}]})
    spare = Segment.objects.create(name=f"Spare {MARK}", description=MARK, tree={"tag": PLAIN_TAG})
    suppress(reason="manual", origin=MARK, note=MARK, addresses=[f"{MARK}@example.net", GONE])
    owned.ids.update(
        contact_id=contacts[0].pk,
        tag_id=tag.pk,
        segment_id=segment.pk,
        spare_segment_id=spare.pk,
        suppression_id=Suppression.objects.get(email_key=f"{MARK}@example.net").pk,
    )


def _add_campaigns(acme: Tenant, owned: Owned) -> None:
    words = {"subject": f"Hello {MARK}", "html": f'<p>{MARK}</p><a href="https://{MARK}.example/">Go</a>', "text": MARK}
    template = add_template(f"Template {MARK}", category=MARK, preheader=MARK, **words)
    spare = add_template(f"Spare {MARK}", **words)
    provider = add_provider(name=f"Provider {MARK}", host="127.0.0.1", port=1)
    orders = {"provider": provider, "sender": f"{MARK} <news@{MARK}.example>", "reply_to": f"reply@{MARK}.example"}
    draft = add_campaign(template, name=f"Draft {MARK}", **orders)
    paused = add_campaign(template, name=f"Paused {MARK}", **orders)
    sending = add_campaign(template, name=f"Campaign {MARK}", tags_all=(f"aimed_{MARK}",), **orders)
    set_variants(campaign=draft, variants=[VariantDraft(name=f"{MARK} {n}", share=20, subject=MARK) for n in (1, 2)])
    message = send(sending)
    give_outcomes(message)
    give_events(message)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbound_recipient SET reason = %s", [MARK])
    Campaign.objects.filter(pk=sending.pk).update(error=MARK)
    Campaign.objects.filter(pk=paused.pk).update(state="paused")
    owned.ids.update(
        template_id=template.pk,
        spare_template_id=spare.pk,
        campaign_id=sending.pk,
        draft_id=draft.pk,
        paused_id=paused.pk,
        mail_token=f"<{key_ring().minter(acme.pk, message.pk)(6).hex()}@acme.example>",
    )


def _add_imports(owned: Owned, folder: Path) -> None:
    path = folder / f"{MARK}.csv"
    path.write_text(f"email,first_name\n{MARK}@example.org,{MARK}\n")
    told = {
        "file_name": f"{MARK}.csv",
        "path": str(path),
        "size": path.stat().st_size,
        "tags": [MARK],
        "mapping": {"first_name": "first_name"},
        "error": MARK,
        "warnings": [{"message": MARK, "example": MARK, "count": 1, "line": 1}],
        "resume_state": {"found": [{"heading": "email", "field": "email", "examples": [MARK]}]},
    }
    waiting, failed, running = (
        Import.objects.create(state=state, **told) for state in ("waiting", "failed", "running")
    )
    ImportReject.objects.create(run=waiting, line=2, reason=MARK, cells=[MARK])
    note_due(task=TASK, reference=running.pk)
    owned.ids.update(import_id=waiting.pk, failed_import_id=failed.pk, running_import_id=running.pk)


def _add_the_rest(acme: Tenant, owned: Owned) -> None:
    key, _ = create_api_key(tenant=acme, name=f"Key {MARK}", scopes=["read"])
    ValidationRun.objects.create(state="finished", error=MARK, last_id=0, finished_at=timezone.now())
    receive(source="mailwizz", body=MARK.encode(), content_type="text/plain", caller=MARK)
    Tenant.objects.filter(pk=acme.pk).update(sender_name=MARK, brand_domain=f"{MARK}.example")
    endpoint, _ = create_endpoint(EndpointDraft("https://hooks.acme.example/", description=MARK))
    # Nothing is sent to such a port, so that a test of it is over at once.
    Endpoint.objects.filter(pk=endpoint.pk).update(url=f"http://127.0.0.1:9/{MARK}")
    delivery = Delivery.objects.create(
        endpoint=endpoint,
        event_id=uuid.uuid4(),
        kind="sent",
        at=timezone.now(),
        message_id=1,
        state="delivered",
        due_at=timezone.now(),
        answer=MARK,
    )
    owned.ids.update(key_id=key.pk, endpoint_id=endpoint.pk, delivery_id=delivery.pk)
