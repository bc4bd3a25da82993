"""Bringing contacts in: file, columns, off it goes, and what became of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from contacts.models import Contact, Import, Suppression, Tag
from contacts.tasks import run_import_task
from tenants.models import DueWork
from tests.desk.conftest import queries, tag

ADD = "/admin/contacts/import/add/"
CSV = "E-Mail;Vorname;Stadt;Nr\nana@example.com;Ana;Köln;007\nben@example.com;Ben;Bonn;12\nnonsense;X;Y;1\nana@example.com;Ana;Köln;7\n"

Inside = Callable[[], Any]


def uploaded(content: bytes, name: str = "list.csv") -> dict[str, SimpleUploadedFile]:
    return {"file": SimpleUploadedFile(name, content, content_type="text/csv")}


def start(client: Client, **form: object) -> int:
    """The first two steps; the import is then on its way."""
    columns = client.post(ADD, uploaded(CSV.encode())).headers["Location"]
    pk = int(columns.split("/")[-3])
    answer = client.post(columns, {"mode": "update", **form})
    assert answer.headers["Location"] == f"/admin/contacts/import/{pk}/change/"
    return pk


def test_a_file_is_imported_from_upload_to_result(owner: Client, inside: Inside) -> None:
    with inside():
        tag("Newsletter")
    columns = owner.post(ADD, uploaded(CSV.encode())).headers["Location"]
    page = owner.get(columns).content.decode()
    for words in ("list.csv", "Vorname", "ana@example.com", "E-mail address", "Own field: city", "Newsletter"):
        assert words in page
    form = {"mode": "update", "column-4": "skip", "tags": ["newsletter"], "new_tags": "Fair 2026, VIP"}
    progress = owner.post(columns, form).headers["Location"]
    assert "Waiting for a worker" in owner.get(progress).content.decode()
    with inside():
        run = Import.objects.get()
        assert DueWork.objects.filter(task="contacts.run_import", reference=run.pk).exists()
        assert Path(run.path).is_file()
        assert run_import_task(run.pk) == "finished"
        assert not DueWork.objects.filter(task="contacts.run_import").exists()
        assert not Path(run.path).exists()
        ana = Contact.objects.get(email_key="ana@example.com")
        assert ana.attributes == {"city": "Köln"}
        assert set(Tag.objects.filter(pk__in=ana.tags).values_list("slug", flat=True)) == {
            "newsletter",
            "fair-2026",
            "vip",
        }
    result = owner.get(progress).content.decode()
    for words in (
        "4 rows of list.csv dealt with",
        "Contacts tagged Fair 2026",
        "tag=fair-2026",
        "There is no @ in it.",
        "Line 2 has the same address.",
    ):
        assert words in result
    assert "every 1s" not in result


def test_rows_that_stayed_out_are_downloaded_with_their_reasons(owner: Client, inside: Inside) -> None:
    pk = start(owner)
    with inside():
        run_import_task(pk)
    answer = owner.get(f"/admin/contacts/import/{pk}/rejects.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="list-not-imported.csv"'
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].endswith(",E-Mail,Vorname,Stadt,Nr")
    assert lines[1:] == [
        "4,There is no @ in it.,nonsense,X,Y,1",
        "5,Line 2 has the same address.,ana@example.com,Ana,Köln,7",
    ]


def test_addresses_can_be_pasted_and_suppressed(owner: Client, inside: Inside) -> None:
    columns = owner.post(ADD, {"pasted": "ana@example.com\nben@example.com"}).headers["Location"]
    owner.post(columns, {"mode": "suppress"})
    with inside():
        run_import_task(Import.objects.get().pk)
        assert Suppression.objects.filter(reason="manual").count() == 2
        assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 rubbish", "ZIP archive"),
        (b"PK\x03\x04 xl/workbook.xml", "Excel workbook"),
        (b"%PDF-1.7", "PDF"),
        (b"\n\n\n", "empty"),
    ],
)
def test_what_is_no_list_is_refused_in_words(owner: Client, inside: Inside, content: bytes, words: str) -> None:
    page = owner.post(ADD, uploaded(content))
    assert page.status_code == 200
    assert words in page.content.decode()
    with inside():
        assert not Import.objects.exists()


def test_neither_file_nor_text_is_asked_for(owner: Client) -> None:
    assert "Choose a file, or paste" in owner.post(ADD, {"pasted": "  "}).content.decode()


def test_a_file_without_addresses_asks_which_column_holds_them(owner: Client, inside: Inside) -> None:
    columns = owner.post(ADD, {"pasted": "name,contact\nAna,ana at example\n"}).headers["Location"]
    assert "No column of this file holds e-mail addresses." in owner.get(columns).content.decode()
    again = owner.post(columns, {"mode": "add"})
    assert again.status_code == 200
    assert "No column of this file" in again.content.decode()
    assert owner.post(columns, {"mode": "add", "column-2": "email"}).status_code == 302
    with inside():
        assert Import.objects.get().mapping["contact"] == "email"


def test_two_columns_cannot_be_the_same_field(owner: Client) -> None:
    columns = owner.post(ADD, uploaded(CSV.encode())).headers["Location"]
    page = owner.post(columns, {"mode": "add", "column-2": "first_name", "column-3": "first_name"})
    assert "cannot both be" in page.content.decode()


def test_an_import_begins_only_once(owner: Client, inside: Inside) -> None:
    pk = start(owner)
    with inside():
        run_import_task(pk)
    assert (
        owner.get(f"/admin/contacts/import/{pk}/columns/").headers["Location"] == f"/admin/contacts/import/{pk}/change/"
    )
    owner.post(f"/admin/contacts/import/{pk}/resume/")
    with inside():
        assert not DueWork.objects.filter(task="contacts.run_import").exists()


def test_an_import_that_stopped_goes_on_with_one_press(owner: Client, inside: Inside) -> None:
    pk = start(owner)
    with inside():
        Import.objects.update(state="failed", error="The disk was full.")
        DueWork.objects.all().delete()
    page = owner.get(f"/admin/contacts/import/{pk}/change/").content.decode()
    assert "The disk was full." in page
    assert "Go on with it" in page
    assert "The import of list.csv stopped." in owner.get("/admin/").content.decode()
    owner.post(f"/admin/contacts/import/{pk}/resume/")
    with inside():
        assert run_import_task(pk) == "finished"


def test_a_running_import_is_asked_for_every_second(owner: Client, inside: Inside) -> None:
    pk = start(owner)
    with inside():
        Import.objects.update(state="running", line=3, position=60, size=120, rows_total=4)
    fragment = owner.get(f"/admin/contacts/import/{pk}/progress/").content.decode()
    assert "every 1s" in fragment
    assert "50.0 %" in fragment
    assert queries(owner, f"/admin/contacts/import/{pk}/progress/") <= 6


def test_cells_with_markup_are_shown_as_text(owner: Client) -> None:
    columns = owner.post(ADD, {"pasted": "email,<script>x</script>\nana@example.com,<img src=x onerror=y>\n"}).headers[
        "Location"
    ]
    page = owner.get(columns).content.decode()
    assert "<script>x" not in page
    assert "<img src=x" not in page
