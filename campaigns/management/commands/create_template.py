"""manage.py create_template --tenant SLUG --name N --subject S --html FILE [--text FILE] [--language fr] [--category C]"""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from campaigns.services.templates import TemplateText, check_template, create_template
from common.errors import InvalidInput
from tenants.management.base import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Make a template, or another language or category version of one."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--subject", required=True)
        parser.add_argument("--html", metavar="FILE", help="UTF-8")
        parser.add_argument("--text", metavar="FILE", help="UTF-8; left out: made from the HTML")
        parser.add_argument("--preheader", default="", help="the line that mailboxes show after the subject")
        parser.add_argument("--language", default="", help="fr or pt-br; left out: any")
        parser.add_argument("--category", default="", help="left out: any")

    def perform_for(self, tenant: Tenant, options: Mapping[str, Any]) -> dict[str, Any]:
        written = TemplateText(
            name=options["name"],
            subject=options["subject"],
            html=_read("html", options["html"]),
            text=_read("text", options["text"]),
            preheader=options["preheader"],
            language=options["language"],
            category=options["category"],
        )
        template = create_template(written=written)
        return {
            "id": template.pk,
            "name": template.name,
            "language": template.language,
            "category": template.category,
            "warnings": list(check_template(written).warnings),
        }

    def lines(self, answer: Mapping[str, Any]) -> list[str]:
        warnings = [f"Look at this: {warning}" for warning in answer["warnings"]]
        return [f"Template “{answer['name']}” is number {answer['id']}.", *warnings]


def _read(field: str, path: str | None) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", field=field) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text.", field=field) from error
