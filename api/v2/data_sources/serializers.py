"""Data sources as API v2 spells them."""

from typing import Any

from rest_framework import serializers

from api.v2.fields import Id, Text
from contacts.models import DataSource, SourceRun
from contacts.sources.config import (
    AUTH_KINDS,
    LONGEST_INTERVAL,
    MODES,
    PAGING_KINDS,
    SINCE_FORMATS,
    read_config,
)
from contacts.sources.rows import Row
from contacts.sources.trying import Trial


class Flag(serializers.BooleanField):
    """true or false; words and numbers are not taken for them."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("This must be true or false.")
        return data


class Amount(serializers.IntegerField):
    """A whole number that is not negative."""

    def __init__(self, *, most: int, **options: Any) -> None:
        super().__init__(min_value=0, max_value=most, **options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool | float | str):
            raise serializers.ValidationError("This must be a whole number.")
        return int(super().to_internal_value(data))


class Table(serializers.DictField):
    """Texts by short names; a name that cannot be stored is refused before anything repeats it."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        names = data if isinstance(data, dict) else {}
        if any(len(name) > 200 or not name.isprintable() for name in names):
            raise serializers.ValidationError("A name is too long, or has a character that cannot be stored.")
        return dict(super().to_internal_value(data))


def _optional(longest: int, help_text: str = "") -> Text:
    return Text(required=False, allow_blank=True, max_length=longest, help_text=help_text)


class AuthBody(serializers.Serializer):
    """How we say who we are. The secret is kept encrypted and never shown."""

    kind = serializers.ChoiceField(choices=AUTH_KINDS, required=False)
    name = _optional(100, "the header that holds the secret, for kind header")
    username = _optional(200, "for kind basic")
    secret = Text(required=False, write_only=True, max_length=4000, help_text="token, header value or password")


class PagingBody(serializers.Serializer):
    """How the next page is asked for."""

    kind = serializers.ChoiceField(choices=PAGING_KINDS, required=False)
    page_param = _optional(60, "parameter that takes the page's number, the offset or the cursor")
    size_param = _optional(60, "parameter that takes the number of items")
    size = Amount(most=10_000, required=False)
    first = Amount(most=1_000_000, required=False, help_text="number of the first page, or the first offset")
    cursor_path = _optional(200, "where the next cursor stands in the answer")
    next_path = _optional(200, "where the next page's URL stands; empty: in the header Link")
    more_path = _optional(200, "where the answer says whether there is more")


class DefaultsBody(serializers.Serializer):
    """Tags for every contact; language and country for those of whom nobody knows one."""

    tags = serializers.ListField(child=Text(max_length=80), max_length=50, required=False)
    language = _optional(12)
    country = _optional(64)


class ConfigBody(serializers.Serializer):
    """Where contacts come from and what an item's parts mean. Paths are dotted: `person.emails.0`."""

    url = _optional(2000, "http or https; not inside the operator's own network")
    method = serializers.ChoiceField(choices=["GET", "POST"], required=False)
    headers = Table(child=Text(max_length=2000, allow_blank=True), required=False)
    auth = AuthBody(required=False)
    paging = PagingBody(required=False)
    items_path = _optional(200, "where the list of items stands in the answer; empty: the answer is the list")
    mapping = Table(
        child=Text(max_length=200, allow_blank=True),
        required=False,
        help_text="our field or the key of an attribute → path in an item, or heading of a CSV file",
    )
    since_param = _optional(60, "parameter that takes the time (or number) after which changes are wanted")
    since_path = _optional(200, "where that time stands in an item; empty: the time of the last sync is sent")
    since_format = serializers.ChoiceField(choices=SINCE_FORMATS, required=False)
    defaults = DefaultsBody(required=False)
    mode = serializers.ChoiceField(choices=MODES, required=False, help_text="add: known contacts only get the tags")
    pause_ms = Amount(most=60_000, required=False, help_text="between two requests")
    interval_minutes = Amount(
        most=int(LONGEST_INTERVAL.total_seconds()) // 60,
        required=False,
        help_text="between two syncs, at least 5; 0: only by hand",
    )


class AuthShown(serializers.Serializer):
    kind = serializers.ChoiceField(choices=AUTH_KINDS)
    name = serializers.CharField(allow_blank=True)
    username = serializers.CharField(allow_blank=True)
    has_secret = serializers.BooleanField()


class ConfigShown(ConfigBody):
    """The config with what its type's preset says; secrets are never shown."""

    auth = AuthShown()


class SourceBody(serializers.Serializer):
    """A new data source."""

    tenant_id = Id(required=False)
    name = Text(max_length=120)
    type = serializers.ChoiceField(choices=DataSource.Type.values)
    config = ConfigBody(required=False)
    is_active = Flag(required=False)


class SourceChanges(serializers.Serializer):
    """What is to change; the type stays."""

    name = Text(max_length=120, required=False)
    config = ConfigBody(required=False)
    is_active = Flag(required=False)


class SourceAnswer(serializers.Serializer):
    """A data source."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=DataSource.Type.values)
    config = ConfigShown()
    is_active = serializers.BooleanField()
    contact_count = serializers.IntegerField(help_text="contacts that came from it")
    last_sync_at = serializers.DateTimeField(allow_null=True, help_text="when the last sync went well")
    last_error = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class SyncBody(serializers.Serializer):
    force = Flag(required=False, help_text="everything, not only what changed since the last sync")


class SyncAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    message = serializers.CharField()
    source_id = serializers.IntegerField()
    type = serializers.ChoiceField(choices=DataSource.Type.values)


class RunReject(serializers.Serializer):
    page = serializers.IntegerField()
    item = serializers.IntegerField(help_text="its number on the page")
    id = serializers.CharField(allow_blank=True, help_text="the item's id, if it has one")
    reason = serializers.CharField()


class RunNote(serializers.Serializer):
    message = serializers.CharField()
    example = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField()
    line = serializers.IntegerField(help_text="number of the first item on its page")


class RunAnswer(serializers.Serializer):
    """One sync. seen = created + updated + unchanged + duplicates + invalid."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    source_id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=SourceRun.State.values)
    force = serializers.BooleanField()
    pages = serializers.IntegerField()
    seen = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    invalid = serializers.IntegerField()
    error = serializers.CharField(allow_blank=True)
    requested_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class RunDetail(RunAnswer):
    """With the first hundred items that were refused, and what was left out."""

    rejects = RunReject(many=True)
    notes = RunNote(many=True)


class RunPage(serializers.Serializer):
    items = RunAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class TrialRow(serializers.Serializer):
    """An item as it would come in."""

    email = serializers.CharField()
    first_name = serializers.CharField(allow_blank=True)
    last_name = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    timezone = serializers.CharField(allow_blank=True)
    country = serializers.CharField(allow_blank=True)
    status = serializers.CharField(allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField())
    attributes = serializers.DictField()


class TrialReject(serializers.Serializer):
    item = serializers.IntegerField()
    id = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()


class TrialAnswer(serializers.Serializer):
    """The first page of a source, of which nothing was written."""

    items = serializers.IntegerField(help_text="how many the page has")
    duplicates = serializers.IntegerField()
    has_more = serializers.BooleanField()
    rows = TrialRow(many=True, help_text="the first five")
    rejects = TrialReject(many=True, help_text="the first five")
    notes = RunNote(many=True)


def source_fields(source: DataSource, *, tenant_id: int, contact_count: int) -> dict[str, Any]:
    config = read_config(source.type, source.config).as_json()
    config["auth"]["has_secret"] = bool(source.sealed_secret)
    return {
        "id": source.pk,
        "tenant_id": tenant_id,
        "name": source.name,
        "type": source.type,
        "config": config,
        "is_active": source.is_active,
        "contact_count": contact_count,
        "last_sync_at": source.last_sync_at,
        "last_error": source.last_error,
        "created_at": source.created_at,
        "updated_at": source.updated_at,
    }


def run_fields(run: SourceRun, *, tenant_id: int) -> dict[str, Any]:
    return {
        "id": run.pk,
        "tenant_id": tenant_id,
        "source_id": run.source_id,
        "state": run.state,
        "force": run.force,
        "pages": run.pages,
        "seen": run.seen,
        "created": run.created,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "duplicates": run.duplicates,
        "invalid": run.invalid,
        "error": run.error,
        "requested_at": run.requested_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def trial_fields(trial: Trial) -> dict[str, Any]:
    return {
        "items": trial.items,
        "duplicates": trial.duplicates,
        "has_more": trial.has_more,
        "rows": [_row_fields(row) for row in trial.rows],
        "rejects": [{"item": each.item, "id": each.id, "reason": each.reason} for each in trial.rejects],
        "notes": trial.notes,
    }


def _row_fields(row: Row) -> dict[str, Any]:
    return {
        "email": row.address.text,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "language": row.language,
        "timezone": row.timezone,
        "country": row.country,
        "status": row.status,
        "tags": list(row.tags),
        "attributes": row.attributes_shown(),
    }
