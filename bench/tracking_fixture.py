"""One tenant with one big message that has been sent; Django must be set up before this is imported."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from contacts.models import Contact
from outbound.models import Chunk, Event, Message, ProviderAccount
from outbound.partitions import ensure_month, first_of_month
from outbound.stamping import key_ring
from tenants.models import Tenant
from tenants.services.creation import create_tenant
from tenants.services.installation import prepare_database

LINKS = 10
_TICKS = os.sysconf("SC_CLK_TCK")
_CONTACTS = """
INSERT INTO contacts_contact (email, email_key, needs_smtputf8, first_name, last_name, language, timezone, country, status, tags,
    attributes, consent_note, created_at, updated_at)
SELECT e, e, false, 'Ana', 'Doe', '', '', '', 'active', '{}', '{}', '', now(), now()
FROM (SELECT 'c' || n || '@mail.example' AS e FROM generate_series(1, %s) n) g
"""
_CHUNKS = """
INSERT INTO outbound_chunk (message_id, attempt, first_position, contact_ids, size, state, owner, fence, watermark, handing_fence,
    done, sent, deferred, bounced, failed, suppressed, in_doubt, cancelled)
SELECT %s, 1, n * 1000, ids, cardinality(ids), 'done', '', 1, 0, 1, cardinality(ids), cardinality(ids), 0, 0, 0, 0, 0, 0
FROM (SELECT (r - 1) / 1000 AS n, array_agg(id ORDER BY id) AS ids
      FROM (SELECT id, row_number() OVER (ORDER BY id) AS r FROM contacts_contact) c GROUP BY 1) g
"""
_RECIPIENTS = """
INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, at)
SELECT %s, %s, first_position + i - 1, contact_ids[i], 3, now() FROM outbound_chunk, generate_series(1, size) i
"""


@dataclass(slots=True)
class Made:
    tenant: Tenant
    message: Message
    host: str
    links: int = LINKS

    def token(self, position: int) -> str:
        return key_ring().mint(self.tenant.pk, self.message.pk, position).decode()

    def recorded(self) -> int:
        """Events in the database."""
        return Event.objects.count()

    def forget(self) -> None:
        """Empty the tables of what happened, so that each contestant starts alike."""
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE outbound_event, outbound_engagement, outbound_tally")

    def database_cpu(self) -> float:
        """Seconds of CPU of the database server so far, all its processes."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend,) = cursor.fetchone()
        postmaster = int(_stat(backend)[1])
        ended = sum(int(field) for field in _stat(postmaster)[11:15])
        living = 0
        for entry in os.listdir("/proc"):
            if entry.isdigit() and (stat := _stat(int(entry))) and int(stat[1]) == postmaster:
                living += int(stat[11]) + int(stat[12])
        return (ended + living) / _TICKS


def cpu_of(pid: int) -> float:
    """Seconds of CPU of one process."""
    stat = _stat(pid)
    return (int(stat[11]) + int(stat[12])) / _TICKS


def make(*, recipients: int) -> Made:
    prepare_database()
    create_tenant(slug="bench", name="Bench", host="bench.localhost")
    tenant = Tenant.objects.get(slug="bench")
    connection.set_tenant(tenant)
    month = first_of_month(tenant.created_at.date())
    ensure_month(month)
    provider = ProviderAccount.objects.create(name="relay", host="127.0.0.1")
    message = Message.objects.create(
        name="News",
        provider=provider,
        month=month,
        content={},
        stamp={},
        state="finished",
        total=recipients,
        links=[{"url": f"https://shop.example/articles/{n}?campaign=news"} for n in range(LINKS)],
    )
    with connection.cursor() as cursor:
        cursor.execute(_CONTACTS, [recipients])
        cursor.execute(_CHUNKS, [message.pk])
        cursor.execute(_RECIPIENTS, [month, message.pk])
        cursor.execute("ANALYZE")
    assert Contact.objects.count() == recipients
    assert Chunk.objects.count() == -(-recipients // 1000)
    return Made(tenant, message, "bench.localhost")


def _stat(pid: int) -> list[str]:
    """The fields of proc(5)'s stat from the third on; none when the process has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(")") + 2 :].split()
