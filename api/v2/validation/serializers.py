"""Bodies and answers of validation, field by field."""

from typing import Any

from rest_framework import serializers

from api.v2.fields import Id, Text
from contacts.models import ValidationReason, ValidationRun, ValidationState
from contacts.validation.bulk import MOST_IDS
from contacts.validation.checking import MOST_AT_ONCE, Checked

_REASONS = "; ".join(f"{value}: {label}" for value, label in ValidationReason.choices)


class ValidateBody(serializers.Serializer):
    """Whom to check. Without contact_ids: all contacts that are pending."""

    contact_ids = serializers.ListField(
        child=Id(),
        required=False,
        allow_null=True,
        allow_empty=False,
        max_length=MOST_IDS,
        help_text="checked whatever was known of them; null or left out: all that are pending",
    )
    limit = Id(required=False, allow_null=True, help_text="of the pending contacts, at most so many")
    tag_invalid = Text(
        required=False,
        allow_blank=True,
        max_length=80,
        help_text="slug of a tag that is put on invalid contacts and taken off the others; a campaign leaves them out "
        "with it in exclude_tags",
    )


class QueuedAnswer(serializers.Serializer):
    """How many contacts are going to be checked."""

    queued = serializers.IntegerField()
    run_id = serializers.IntegerField(allow_null=True, help_text="null where there is nobody to check")


class StateCounts(serializers.Serializer):
    """All contacts by what is known of their addresses."""

    pending = serializers.IntegerField()
    valid = serializers.IntegerField()
    risky = serializers.IntegerField()
    invalid = serializers.IntegerField()


class ValidationRunAnswer(serializers.Serializer):
    """How far a run is."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ValidationRun.State.choices)
    total = serializers.IntegerField(help_text="contacts to check, as they were counted when it was asked for")
    checked = serializers.IntegerField()
    valid = serializers.IntegerField()
    risky = serializers.IntegerField()
    invalid = serializers.IntegerField()
    unanswered = serializers.IntegerField(help_text="still pending: the DNS gave no answer")
    error = serializers.CharField(help_text="what holds it up just now; empty: nothing")
    started_at = serializers.DateTimeField()
    again_at = serializers.DateTimeField(allow_null=True, help_text="when the DNS is asked again")
    finished_at = serializers.DateTimeField(allow_null=True)


class ValidationAnswer(serializers.Serializer):
    """Contacts by state, and the latest run."""

    tenant_id = serializers.IntegerField()
    counts = StateCounts()
    run = ValidationRunAnswer(allow_null=True)


class AddressCheckBody(serializers.Serializer):
    """Addresses to check at once."""

    emails = serializers.ListField(
        child=Text(max_length=1_000, allow_blank=True, trim_whitespace=False),
        allow_empty=False,
        max_length=MOST_AT_ONCE,
    )


class CheckedAddress(serializers.Serializer):
    """What is known of one address."""

    email = serializers.CharField(help_text="as it was given")
    state = serializers.ChoiceField(choices=ValidationState.choices)
    reason = serializers.ChoiceField(choices=ValidationReason.choices, allow_null=True, help_text=_REASONS)
    suggestion = serializers.CharField(allow_null=True, help_text="the address that was perhaps meant")
    has_mx = serializers.BooleanField(allow_null=True, help_text="null where the DNS was not asked or did not answer")
    disposable = serializers.BooleanField()
    role = serializers.BooleanField()


class AddressCheckAnswer(serializers.Serializer):
    """In the order of the addresses given."""

    items = CheckedAddress(many=True)


def show_run(run: ValidationRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "state": run.state,
        "total": run.total,
        "checked": run.checked,
        "valid": run.valid,
        "risky": run.risky,
        "invalid": run.invalid,
        "unanswered": run.unanswered,
        "error": run.error,
        "started_at": run.started_at,
        "again_at": run.again_at,
        "finished_at": run.finished_at,
    }


def show_checked(checked: Checked) -> dict[str, Any]:
    verdict = checked.verdict
    return {
        "email": checked.email,
        "state": verdict.state.value,
        "reason": verdict.reason.value if verdict.reason else None,
        "suggestion": verdict.suggestion or None,
        "has_mx": checked.has_mx,
        "disposable": checked.disposable,
        "role": checked.role,
    }
