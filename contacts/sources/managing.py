"""Data sources: made, changed, removed."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from common.destinations import read_url
from common.errors import Conflict, InvalidInput
from common.secrets import seal
from contacts.models import Contact, DataSource, SourceRun
from contacts.sources.config import SourceConfig, read_config
from contacts.sources.requesting import SYNC_TASK, schedule
from tenants.services.due import done_with

_LONGEST_SECRET = 4000
# What decides which items come: when it changes, the mark of the last sync says nothing any more.
_ABOUT_ITEMS = ("url", "method", "items_path", "since")


def create_source(
    *, name: str, type: str, config: Mapping[str, Any], secret: str = "", is_active: bool = True
) -> DataSource:
    """Make a source; its secret is kept sealed. Raises InvalidInput, and Conflict for a name that is taken."""
    if type not in DataSource.Type.values:
        raise InvalidInput(
            f"There is no type {type!r}.", field="type", hint=f"Types: {', '.join(DataSource.Type.values)}."
        )
    read = read_config(type, config)
    _check_secret(read, secret)
    source = DataSource(
        name=_checked_name(name),
        type=type,
        config=read.as_json(),
        sealed_secret=seal(secret, settings.SECRET_KEY),
        is_active=is_active,
    )
    return _saved(source)


def update_source(
    source_id: int,
    *,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    secret: str | None = None,
    is_active: bool | None = None,
) -> DataSource:
    """Change what is given; members of `config` replace those of the same name. A secret stays with the host and the
    kind of authentication that it was entered for.

    Raises DataSource.DoesNotExist, InvalidInput, and Conflict for a taken name, or for a change of config or secret
    while it is being synced.
    """
    with transaction.atomic():
        source = DataSource.objects.select_for_update().get(pk=source_id)
        if name is not None:
            source.name = _checked_name(name)
        if is_active is not None:
            source.is_active = is_active
        if config is not None or secret is not None:
            _reconfigure(source, config or {}, secret)
        return _saved(source)


def delete_source(source_id: int) -> None:
    """Remove it with its runs. Raises DataSource.DoesNotExist, and Conflict while it has contacts or is being synced."""
    try:
        with transaction.atomic():
            source = DataSource.objects.select_for_update().get(pk=source_id)
            if Contact.objects.filter(source=source).exists():
                raise _has_contacts(source)
            _refuse_while_living(source)
            schedule_off = DataSource(pk=source.pk, type=source.type, config=source.config, is_active=False)
            schedule(schedule_off)
            for run_id in source.runs.values_list("pk", flat=True):
                done_with(task=SYNC_TASK, reference=run_id)
            source.delete()
    except IntegrityError as error:
        raise _has_contacts(source) from error


def _reconfigure(source: DataSource, config: Mapping[str, Any], secret: str | None) -> None:
    _refuse_while_living(source)
    before = read_config(source.type, source.config)
    after = read_config(source.type, _merged(source.config, config))
    kept = before.auth == after.auth and _origin(before) == _origin(after)
    if secret is not None:
        source.sealed_secret = seal(secret, settings.SECRET_KEY)
    elif not kept:
        source.sealed_secret = ""
    _check_secret(after, secret if secret is not None else "x" * bool(source.sealed_secret))
    if any(getattr(before, name) != getattr(after, name) for name in _ABOUT_ITEMS):
        source.high_water = ""
    source.config = after.as_json()


def _merged(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Lists and tables are replaced as a whole; of what has a kind, the members given, unless the kind is another."""
    merged = {**before, **given}
    for part in ("auth", "paging", "defaults"):
        old, new = before.get(part, {}), given.get(part)
        if isinstance(new, Mapping) and new.get("kind", old.get("kind")) == old.get("kind"):
            merged[part] = {**old, **new}
    return merged


def _origin(config: SourceConfig) -> object:
    return read_url(config.url).origin if config.url else None


def _check_secret(config: SourceConfig, secret: str) -> None:
    if len(secret) > _LONGEST_SECRET or not (secret.isascii() and secret.isprintable()):
        raise InvalidInput("A secret is made of ASCII letters, digits and signs.", field="config.auth.secret")
    if config.auth.kind != "none" and not secret:
        raise InvalidInput(
            "Enter the secret.",
            field="config.auth.secret",
            hint="A stored one is not sent to another host or in another way: enter it again after such a change.",
        )


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= 120:
        raise InvalidInput("A source needs a name of at most 120 characters.", field="name")
    return name


def _saved(source: DataSource) -> DataSource:
    try:
        with transaction.atomic():
            source.save()
            schedule(source)
    except IntegrityError as error:
        raise Conflict(f"There is a source {source.name!r} already.", field="name") from error
    return source


def _refuse_while_living(source: DataSource) -> None:
    if source.runs.filter(state__in=(SourceRun.State.WAITING, SourceRun.State.RUNNING)).exists():
        raise Conflict(f"{source.name} is being synced.", hint="Try again when the sync is over.")


def _has_contacts(source: DataSource) -> Conflict:
    return Conflict(f"{source.name} has contacts.", hint="Switch it off instead, or erase its contacts first.")
