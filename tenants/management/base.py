"""The manner of every command: one sentence and exit 1 when refused, one JSON object with --json."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.errors import LettershopError
from tenants.models import Tenant
from tenants.scope import tenant_by_slug, tenant_scope


class HouseCommand(BaseCommand):
    """A command that answers with a mapping: `perform` returns it, `--json` prints it, people get lines."""

    requires_system_checks: list[str] | tuple[str, ...] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of words")
        self.add_options(parser)

    def add_options(self, parser: ArgumentParser) -> None:
        """What this command takes."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = self.answer(options)
        except LettershopError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(answer, default=str))
        else:
            for line in self.lines(answer):
                self.stdout.write(line)

    def answer(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Do the work. Raises LettershopError when refused."""
        return self.perform(options)

    def perform(self, options: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} performs nothing")

    def lines(self, answer: Mapping[str, Any]) -> list[str]:
        """The answer in words."""
        width = max((len(name) for name in answer), default=0)
        return [f"{name.replace('_', ' '):<{width}}  {value}" for name, value in answer.items()]


class TenantCommand(HouseCommand):
    """A command that works inside one tenant: `--tenant SLUG`."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG", help="the tenant it is for")
        super().add_arguments(parser)

    def answer(self, options: Mapping[str, Any]) -> dict[str, Any]:
        with tenant_scope(tenant_by_slug(options["tenant"])) as tenant:
            return self.perform_for(tenant, options)

    def perform_for(self, tenant: Tenant, options: Mapping[str, Any]) -> dict[str, Any]:
        """Do the work inside the tenant."""
        raise NotImplementedError(f"{type(self).__name__} performs nothing")
