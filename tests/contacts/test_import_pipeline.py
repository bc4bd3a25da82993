"""Files into the database: what is made, changed, left alone and never mailed again."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from common.errors import InvalidInput, NoTenant, NotFound
from contacts.importing import reading
from contacts.importing.pipeline import Step, create_import, import_contacts, run_import
from contacts.importing.refusals import FileRefused
from contacts.importing.rejects import rejects_csv
from contacts.models import Contact, ContactAttribute, DataSource, Import, ImportReject, Suppression, Tag
from contacts.services.suppressing import suppress
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def csv_file(tmp_path: Path) -> Any:
    def write(text: str, name: str = "contacts.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def contact(address: str) -> Contact:
    return Contact.objects.get(email_key=address)


def tags_of(address: str) -> set[str]:
    return set(Tag.objects.filter(id__in=contact(address).tags).values_list("name", flat=True))


def counts(run: Import) -> dict[str, int]:
    names = ("rows_total", "created", "updated", "unchanged", "duplicates", "invalid", "suppressed")
    return {name: getattr(run, name) for name in names if getattr(run, name)}


def test_a_file_becomes_contacts_with_tags_and_typed_attributes(csv_file: Any) -> None:
    run = import_contacts(
        path=csv_file(
            "E-Mail;Vorname;Nachname;Sprache;Land;Zeitzone;Tags;Umsatz;EXT_ID;Seit\n"
            'Ana@Example.com;Ana;Lee;Deutsch;Österreich;Europe/Vienna;"VIP, fair Köln";1.234,50;007;31.12.2024\n'
        )
    )
    assert (run.state, counts(run)) == (Import.State.FINISHED, {"rows_total": 1, "created": 1})
    ana = contact("ana@example.com")
    assert (ana.email, ana.first_name, ana.last_name) == ("Ana@example.com", "Ana", "Lee")
    assert (ana.language, ana.country, ana.timezone, ana.status) == ("de", "AT", "Europe/Vienna", "active")
    assert ana.attributes == {"spent": 1234.5, "ext_id": "007", "seit": "2024-12-31"}
    assert ana.tags == sorted(Tag.objects.filter(slug__in=["vip", "fair-koln"]).values_list("id", flat=True))
    assert dict(ContactAttribute.objects.values_list("key", "type")) == {
        "spent": "number",
        "ext_id": "text",
        "seit": "date",
    }
    assert (run.line, run.position) == (2, Path(run.path).stat().st_size)


def test_importing_the_same_file_again_changes_nothing(csv_file: Any) -> None:
    path = csv_file("email,first_name,score,tags\na@example.com,Ana,3,x\nb@example.com,Bo,4,\n")
    import_contacts(path=path, tags=["fair"])
    before = list(Contact.objects.order_by("id").values())
    run = import_contacts(path=path, tags=["fair"])
    assert counts(run) == {"rows_total": 2, "unchanged": 2}
    assert list(Contact.objects.order_by("id").values()) == before


def test_update_overwrites_what_the_file_says_and_nothing_else(csv_file: Any) -> None:
    import_contacts(path=csv_file("email,first_name,last_name,city,plan,tags\na@example.com,Ana,Lee,Bonn,pro,x\n"))
    run = import_contacts(path=csv_file("email,first_name,last_name,city,size,tags\na@example.com,Anna,,Köln,4,y\n"))
    assert counts(run) == {"rows_total": 1, "updated": 1}
    ana = contact("a@example.com")
    assert (ana.first_name, ana.last_name) == ("Anna", "Lee")
    assert ana.attributes == {"city": "Köln", "plan": "pro", "size": 4}
    assert tags_of("a@example.com") == {"x", "y"}


def test_add_leaves_known_contacts_alone_but_for_the_tags(csv_file: Any) -> None:
    import_contacts(path=csv_file("email,first_name,city\na@example.com,Ana,Bonn\n"))
    path = csv_file("email,first_name,city,tags\nA@example.com,Anna,Köln,x\nb@example.com,Bo,Ulm,x\n")
    run = import_contacts(path=path, mode="add", tags=["fair"])
    assert counts(run) == {"rows_total": 2, "created": 1, "updated": 1}
    assert (contact("a@example.com").first_name, contact("a@example.com").attributes) == ("Ana", {"city": "Bonn"})
    assert tags_of("a@example.com") == {"x", "fair"}


def test_the_source_is_kept_with_the_contacts_it_brought(csv_file: Any) -> None:
    shop, fair = DataSource.objects.create(name="shop"), DataSource.objects.create(name="fair")
    path = csv_file("email\na@example.com\n")
    import_contacts(path=path, source=shop)
    import_contacts(path=path, source=fair)
    assert contact("a@example.com").source == shop


def test_the_first_row_of_an_address_wins_also_beyond_a_batch(csv_file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    run = import_contacts(
        path=csv_file(
            "email,first_name\na@example.com,one\nb@example.com,two\nx,three\nA@example.com,four\na@example.com,five\n"
        )
    )
    assert counts(run) == {"rows_total": 5, "created": 2, "duplicates": 2, "invalid": 1}
    assert contact("a@example.com").first_name == "one"
    assert list(ImportReject.objects.values_list("line", "reason")) == [
        (4, "There is no @ in it."),
        (5, "Line 2 has the same address."),
        (6, "Line 2 has the same address."),
    ]


@pytest.mark.parametrize("mode", ["add", "update"])
@pytest.mark.parametrize("reason", ["unsubscribed", "hard_bounce", "complaint", "manual"])
def test_an_import_never_makes_anybody_mailable_again(csv_file: Any, mode: str, reason: str) -> None:
    suppress(reason=reason, origin="test", addresses=["new@example.com", "known@example.com"])
    Contact.objects.create(email="known@example.com", email_key="known@example.com", status="unsubscribed")
    path = csv_file("email,status\nnew@example.com,subscribed\nKNOWN@example.com,active\nfree@example.com,active\n")
    run = import_contacts(path=path, mode=mode)
    assert run.suppressed == 2
    assert contact("new@example.com").status not in ("active", "unconfirmed")
    assert contact("known@example.com").status not in ("active", "unconfirmed")
    assert contact("free@example.com").status == "active"


@pytest.mark.parametrize("mode", ["add", "update"])
def test_a_status_that_forbids_mail_is_taken_over_in_every_mode(csv_file: Any, mode: str) -> None:
    for name in ("left", "dead", "angry", "fine"):
        Contact.objects.create(email=f"{name}@example.com", email_key=f"{name}@example.com")
    run = import_contacts(
        mode=mode,
        path=csv_file(
            "email,status\nleft@example.com,unsubscribed\ndead@example.com,cleaned\nangry@example.com,spam\n"
            "fine@example.com,unconfirmed\nnew@example.com,unconfirmed\n"
        ),
    )
    assert {c.email: c.status for c in Contact.objects.all()} == {
        "left@example.com": "unsubscribed",
        "dead@example.com": "bounced",
        "angry@example.com": "complained",
        "fine@example.com": "active",
        "new@example.com": "unconfirmed",
    }
    assert run.suppressed == 3
    assert dict(Suppression.objects.values_list("email_key", "reason")) == {
        "left@example.com": "unsubscribed",
        "dead@example.com": "hard_bounce",
        "angry@example.com": "complaint",
    }


def test_a_file_may_confirm_the_unconfirmed_but_only_when_it_says_so(csv_file: Any) -> None:
    for name in ("said", "unsaid"):
        Contact.objects.create(email=f"{name}@example.com", email_key=f"{name}@example.com", status="unconfirmed")
    import_contacts(path=csv_file("email,status\nsaid@example.com,subscribed\nunsaid@example.com,\n"))
    assert (contact("said@example.com").status, contact("unsaid@example.com").status) == ("active", "unconfirmed")


def test_suppress_puts_addresses_on_the_list_and_makes_no_contacts(csv_file: Any) -> None:
    Contact.objects.create(email="a@example.com", email_key="a@example.com", first_name="Ana")
    Contact.objects.create(email="c@example.com", email_key="c@example.com", status="complained")
    path = csv_file("email,first_name,status\nA@example.com,Anna,\nb@example.com,Bo,unsubscribed\nc@example.com,,\n")
    run = import_contacts(path=path, mode="suppress", tags=["ignored"])
    assert counts(run) == {"rows_total": 3, "created": 3, "suppressed": 3}
    assert set(Suppression.objects.values_list("email_key", "reason", "origin")) == {
        ("a@example.com", "manual", f"import {run.pk}"),
        ("b@example.com", "unsubscribed", f"import {run.pk}"),
        ("c@example.com", "manual", f"import {run.pk}"),
    }
    assert (contact("a@example.com").status, contact("a@example.com").first_name) == ("suppressed", "Ana")
    assert contact("c@example.com").status == "complained"
    assert Contact.objects.count() == 2
    assert not Tag.objects.exists()
    assert not ContactAttribute.objects.exists()
    assert counts(import_contacts(path=path, mode="suppress")) == {"rows_total": 3, "unchanged": 3, "suppressed": 3}


def test_consent_is_kept_and_an_older_one_is_not_replaced(csv_file: Any) -> None:
    import_contacts(path=csv_file("email,CONFIRM_TIME,CONFIRM_IP\na@example.com,2024-03-01 10:00:00,198.51.100.7\n"))
    import_contacts(path=csv_file("email,CONFIRM_TIME,CONFIRM_IP\na@example.com,2025-03-01 10:00:00,198.51.100.8\n"))
    ana = contact("a@example.com")
    assert ana.consent_at is not None
    assert (ana.consent_at.isoformat(), ana.consent_ip) == ("2024-03-01T10:00:00+00:00", "198.51.100.7")


def test_an_attribute_keeps_the_type_it_has(csv_file: Any) -> None:
    import_contacts(path=csv_file("email,score,code,member\na@example.com,1,x7,yes\n"))
    run = import_contacts(path=csv_file("email,score,code,member\na@example.com,n/a,7,1\nb@example.com,2,8,0\n"))
    assert dict(ContactAttribute.objects.values_list("key", "type")) == {
        "score": "number",
        "code": "text",
        "member": "boolean",
    }
    assert contact("a@example.com").attributes == {"score": 1, "code": "7", "member": True}
    assert contact("b@example.com").attributes == {"score": 2, "code": "8", "member": False}
    (note,) = run.warnings
    assert (note["count"], note["line"], note["example"]) == (1, 2, "n/a")


def test_hostile_cells_are_kept_as_text_and_run_nowhere(csv_file: Any) -> None:
    nasty = "Robert'); DROP TABLE contacts_contact;-- \\N \\. \\t {{7*7}} \u0001"
    import_contacts(path=csv_file(f'email,first_name,note\na@example.com,{nasty},"x\t\\\n{nasty}"\n'))
    ana = contact("a@example.com")
    assert ana.first_name == nasty
    assert ana.attributes == {"note": f"x\t\\\n{nasty}"}


def test_broken_and_hostile_json_is_noted_and_stops_nothing(csv_file: Any) -> None:
    cells = [
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": "\\u0000b"}',
        '{"a": "\\ud800"}',
        "{" * 50_000,
        '{"a": {"b": [1]}}',
    ]
    rows = [["email", "attributes"], *([f"u{n}@example.com", cell] for n, cell in enumerate(cells))]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    run = import_contacts(path=csv_file(out.getvalue()), mapping={"attributes": "json"})
    assert run.created == len(cells)
    assert [note["count"] for note in run.warnings] == [3]
    assert contact("u2@example.com").attributes == {"a": "b"}
    assert ContactAttribute.objects.get(key="a").type == "text"


def test_the_rejected_rows_come_as_a_file_that_is_safe_to_open(csv_file: Any) -> None:
    run = import_contacts(path=csv_file('email,note\nnobody,"=1+1"\n+1@,x\na@example.com,fine\n'))
    rows = list(csv.reader(io.StringIO("".join(rejects_csv(run)))))
    assert rows == [
        ["Import line", "Import reason", "email", "note"],
        ["2", "There is no @ in it.", "nobody", "'=1+1"],
        ["3", "Nothing stands after the @.", "'+1@", "x"],
    ]


def test_a_refused_file_changes_nothing_and_says_why(csv_file: Any) -> None:
    run = create_import(path=csv_file('email,name\na@example.com,Ana\nb@example.com,"Bo\n'))
    with pytest.raises(FileRefused) as refusal:
        run_import(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error, refusal.value.line) == (Import.State.REFUSED, str(refusal.value), 3)
    assert not Contact.objects.exists()
    assert run_import(run.pk).state == Import.State.REFUSED


def test_a_mapping_that_does_not_fit_refuses_the_import(csv_file: Any) -> None:
    with pytest.raises(InvalidInput):
        import_contacts(path=csv_file("email\na@example.com\n"), mapping={"Nobody": "first_name"})
    assert Import.objects.get().state == Import.State.REFUSED


def test_what_cannot_be_an_import_is_refused_at_once(csv_file: Any) -> None:
    with pytest.raises(InvalidInput, match="mode"):
        create_import(path=csv_file("email\n"), mode="replace")
    with pytest.raises(InvalidInput, match="no file"):
        create_import(path=Path("/nowhere/contacts.csv"))
    with pytest.raises(NotFound):
        run_import(12345)


def test_an_import_goes_on_behind_what_is_written(csv_file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 3)
    rows = [f"user{n}@example.com,{n}" for n in range(8)] + ["user0@example.com,9", "bad,10"]
    path = csv_file("email,n\n" + "\n".join(rows) + "\n")

    def stop(step: Step) -> None:
        if step.counts.created == 6:
            raise KeyError("the worker is gone")

    run = create_import(path=path)
    with pytest.raises(KeyError):
        run_import(run.pk, progress=stop)
    run.refresh_from_db()
    assert (run.state, run.line, run.created) == (Import.State.FAILED, 7, 6)
    run = run_import(run.pk)
    assert (run.state, counts(run)) == (
        Import.State.FINISHED,
        {"rows_total": 10, "created": 8, "duplicates": 1, "invalid": 1},
    )
    assert Contact.objects.count() == 8
    assert [reject.line for reject in run.rejects.all()] == [10, 11]
    assert run_import(run.pk).created == 8


def test_an_import_does_not_go_on_with_another_file(csv_file: Any) -> None:
    run = create_import(path=csv_file("email\na@example.com\n"))
    Import.objects.filter(pk=run.pk).update(sha256="0" * 64, state=Import.State.FAILED)
    with pytest.raises(FileRefused, match="not the one"):
        run_import(run.pk)
    assert not Contact.objects.exists()


def test_progress_tells_bytes_and_counts(csv_file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 2_000)
    path = csv_file("email\n" + "".join(f"user{n}@example.com\n" for n in range(5_000)))
    steps: list[Step] = []
    import_contacts(path=path, progress=steps.append)
    assert {step.surveying for step in steps} == {True, False}
    assert [step.counts.created for step in steps if not step.surveying] == [2_000, 4_000, 5_000]
    assert steps[-1].done_bytes == steps[-1].total_bytes == path.stat().st_size


def test_nothing_of_an_import_is_seen_by_another_tenant(csv_file: Any, globex: Tenant) -> None:
    import_contacts(path=csv_file("email,tags,score\na@example.com,x,1\nbad,,\n"))
    with tenant_scope(globex):
        for model in (Contact, Tag, ContactAttribute, Import, ImportReject, Suppression):
            assert not model.objects.exists()


def test_without_a_tenant_there_is_no_import(csv_file: Any) -> None:
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    with pytest.raises(NoTenant):
        create_import(path=csv_file("email\na@example.com\n"))
    with pytest.raises(NoTenant):
        run_import(1)


def test_an_import_within_a_transaction_leaves_to_its_owner_whether_it_waits_for_the_disk(csv_file: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        import_contacts(path=csv_file("email\nana@example.com\n"))
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


def test_one_index_finds_an_address_and_the_beginning_of_one(csv_file: Any) -> None:
    import_contacts(path=csv_file("email\n" + "".join(f"user{n}@example.com\n" for n in range(3_000))))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact")
    for found in (
        Contact.objects.filter(email_key="user7@example.com"),
        Contact.objects.filter(email_key__startswith="user299"),
    ):
        assert "contact_email_key" in found.order_by().explain()
