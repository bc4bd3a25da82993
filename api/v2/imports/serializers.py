"""The wire format of imports."""

import json
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.v2.fields import Id, Text
from contacts.models import Import

_MOST_COLUMNS = 1_000
_MAPPING = "headings (or numbers of columns, from 1) to fields or keys of attributes; skip leaves a column out"


class Mapping(serializers.DictField):
    """`{"First name": "first_name"}`; in a form, the same as JSON text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=Text(max_length=200, allow_blank=True), help_text=_MAPPING, **options)

    def get_value(self, dictionary: Any) -> Any:
        return dictionary.get(self.field_name, serializers.empty)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            try:
                data = json.loads(data)
            except (ValueError, RecursionError):
                raise serializers.ValidationError("This must be a JSON object.") from None
        if isinstance(data, dict) and (len(data) > _MOST_COLUMNS or any("\0" in key for key in data)):
            raise serializers.ValidationError("These are no columns of a file.")
        return super().to_internal_value(data)


class TagWords(serializers.ListField):
    """Tags for every contact; in a form the field is repeated."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            child=Text(max_length=80), max_length=100, help_text="for every contact; made where they are not", **options
        )


class ImportSettings(serializers.Serializer):
    """What is left out stays as it was said with the file."""

    mode = serializers.ChoiceField(choices=Import.Mode.choices, required=False)
    tags = TagWords(required=False)
    mapping = Mapping(required=False)
    source_id = Id(required=False, allow_null=True, help_text="data source of new contacts")


class NewImport(ImportSettings):
    """The fields of the form beside the file."""

    tenant_id = Id(required=False)


@extend_schema_field({"type": "string", "format": "binary"})
class FileContent(serializers.Field):
    """The bytes of a file."""


class UploadForm(NewImport):
    """The whole form."""

    file = FileContent(help_text="CSV, with or without headings, in any usual encoding; up to 2 GiB")
    mapping = serializers.CharField(required=False, help_text=f"JSON: {_MAPPING}")


class FoundColumnBody(serializers.Serializer):
    """A column of the file."""

    heading = serializers.CharField()
    field = serializers.CharField(
        help_text="what it is taken for: a field, or the key of an attribute; empty: nobody knows"
    )
    examples = serializers.ListField(child=serializers.CharField(), help_text="until the import begins")


class NoteBody(serializers.Serializer):
    """Something about the file that refuses nothing."""

    message = serializers.CharField()
    example = serializers.CharField()
    count = serializers.IntegerField()
    line = serializers.IntegerField(help_text="where it was seen first")


class ImportBody(serializers.Serializer):
    """An import: how far it is and what became of its rows."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    file_name = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")
    state = serializers.ChoiceField(choices=Import.State.choices)
    queued = serializers.BooleanField(help_text="a worker begins it or goes on with it; false while it waits for `run`")
    progress = serializers.FloatField(help_text="percent of the file that is dealt with")
    mode = serializers.ChoiceField(choices=Import.Mode.choices)
    tags = serializers.ListField(child=serializers.CharField())
    mapping = serializers.DictField(child=serializers.CharField())
    source_id = serializers.IntegerField(allow_null=True)
    columns = FoundColumnBody(many=True)
    rows_total = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    invalid = serializers.IntegerField()
    suppressed = serializers.IntegerField(help_text="of created, updated and unchanged: who must not be mailed")
    warnings = NoteBody(many=True)
    error = serializers.CharField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class ImportPage(serializers.Serializer):
    """The newest first."""

    items = ImportBody(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class RejectBody(serializers.Serializer):
    """A row that was not imported."""

    line = serializers.IntegerField()
    reason = serializers.CharField()
    cells = serializers.ListField(child=serializers.CharField())


class RejectPage(serializers.Serializer):
    """In the order of their lines."""

    items = RejectBody(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def import_body(run: Import, tenant_id: int, *, queued: bool) -> dict[str, Any]:
    """As ImportBody says."""
    return {
        "id": run.pk,
        "tenant_id": tenant_id,
        "file_name": run.file_name,
        "size": run.size,
        "state": run.state,
        "queued": queued,
        "progress": _progress(run),
        "mode": run.mode,
        "tags": run.tags,
        "mapping": run.mapping,
        "source_id": run.source_id,
        "columns": run.resume_state.get("found", []),
        "rows_total": run.rows_total,
        "created": run.created,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "duplicates": run.duplicates,
        "invalid": run.invalid,
        "suppressed": run.suppressed,
        "warnings": run.warnings,
        "error": run.error,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def _progress(run: Import) -> float:
    if run.state == Import.State.FINISHED:
        return 100.0
    return round(min(100.0, 100 * run.position / run.size), 1) if run.size and run.line else 0.0
