"""manage.py import_contacts, as people and scripts use it."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from contacts.importing.pipeline import create_import
from contacts.models import Contact, DataSource, Import, Tag
from tenants.models import Tenant
from tenants.scope import tenant_scope


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "contacts.csv"
    path.write_text("Kunde,E-Mail,Punkte\nAna Lee,ana@example.com,3\nBo,nobody,4\n", encoding="utf-8")
    return path


def run(*arguments: Any, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    call_command("import_contacts", *map(str, arguments))
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_it_imports_and_sums_up(acme: Tenant, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(
        path,
        "--tenant",
        "acme",
        "--tag",
        "fair",
        "--tag",
        "2026",
        "--map",
        "Kunde=full_name",
        "--source",
        "Fair",
        capsys=capsys,
    )
    assert "         2  rows in" in out
    assert "         1  created" in out
    assert "         1  not imported: no valid address" in out
    assert err == ""
    ana = Contact.objects.get()
    assert (ana.first_name, ana.last_name, ana.attributes) == ("Ana", "Lee", {"punkte": 3})
    assert len(ana.tags) == Tag.objects.count() == 2
    assert ana.source == DataSource.objects.get(name="Fair")


def test_json_is_one_object_and_nothing_else(acme: Tenant, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(path, "--tenant", "acme", "--json", capsys=capsys)
    answer = json.loads(out)
    assert (answer["state"], answer["rows_total"], answer["created"], answer["invalid"]) == ("finished", 2, 1, 1)
    assert (answer["tenant"], answer["file"], err) == ("acme", "contacts.csv", "")


def test_the_rejected_rows_can_be_had_as_a_file(acme: Tenant, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rejects = path.with_name("rejects.csv")
    run(path, "--tenant", "acme", "--rejects", rejects, capsys=capsys)
    assert rejects.read_text(encoding="utf-8-sig").splitlines() == [
        "Import line,Import reason,Kunde,E-Mail,Punkte",
        "3,There is no @ in it.,Bo,nobody,4",
    ]


def test_a_refused_file_is_one_sentence(acme: Tenant, tmp_path: Path) -> None:
    workbook = tmp_path / "contacts.csv"
    workbook.write_bytes(b"PK\x03\x04....xl/workbook.xml")
    with pytest.raises(CommandError) as refusal:
        call_command("import_contacts", str(workbook), "--tenant", "acme")
    assert str(refusal.value).startswith("This is an Excel workbook")
    assert "\n" not in str(refusal.value)
    assert refusal.value.returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--map", "no equals sign"],
        ["--resume", "99"],
        ["--map", "Nobody=email"],
    ],
)
def test_what_cannot_be_done_is_said(acme: Tenant, path: Path, arguments: list[str]) -> None:
    file = [str(path)] if "--map" in arguments else []
    with pytest.raises(CommandError):
        call_command("import_contacts", *file, "--tenant", "acme", *arguments)
    assert not Contact.objects.exists()


def test_an_import_is_resumed_by_its_number(acme: Tenant, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = create_import(path=path)
    out, _ = run("--tenant", "acme", "--resume", waiting.pk, "--json", capsys=capsys)
    assert json.loads(out)["import"] == waiting.pk
    assert Import.objects.get().state == Import.State.FINISHED


def test_only_the_named_tenant_gets_the_contacts(
    acme: Tenant, globex: Tenant, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(path, "--tenant", "globex", "--json", capsys=capsys)
    assert not Contact.objects.exists()
    with tenant_scope(globex):
        assert Contact.objects.count() == 1
