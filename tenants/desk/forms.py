"""Forms that save by calling a use case: what it refuses stands at the field it is about."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import models

from common.errors import LettershopError


class RefusalsAtFields:
    """Puts a refusal of the core where the person who typed can see what it is about."""

    # Where the core names a field otherwise than the form does.
    field_of_refusal: Mapping[str, str] = {}

    def add_refusal(self, error: LettershopError) -> None:
        named = self.field_of_refusal.get(error.field or "", error.field)
        self.add_error(named if named in self.fields else None, str(error))  # type: ignore[attr-defined]


class ServiceForm(RefusalsAtFields, forms.Form):
    """A form of a page of its own."""


class ServiceModelForm(RefusalsAtFields, forms.ModelForm):
    """A form of a list's add and change pages. `perform` does the work once everything typed is sound."""

    def perform(self) -> models.Model:
        """Call the use case and return the row it wrote. May raise LettershopError."""
        raise NotImplementedError(f"{type(self).__name__} performs nothing")

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            self.instance = self.perform()
        except LettershopError as error:
            self.add_refusal(error)

    def save(self, commit: bool = True) -> Any:
        """The row that the use case wrote when the form was checked."""
        return self.instance

    def save_m2m(self) -> None:
        """Nothing is left to do: use cases write everything at once."""
