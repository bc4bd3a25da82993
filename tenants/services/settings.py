"""Runtime settings: what an operator changes while the installation runs.

The default of each comes from the environment (setting_definitions); a change is a row of tenants_setting, and known in
every process within a second.
"""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import InvalidInput
from tenants.services.setting_definitions import DEFINITIONS, PROVIDER, Definition, Value, seconds_of
from tenants.services.setting_rows import rows, write_rows

log = logging.getLogger(__name__)

_PROVIDERS = "providers"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Of all accounts of one type. `rate_limit`: messages a day of each account; 0: any number."""

    enabled: bool = True
    rate_limit: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds now. Sizes are bytes; `process_interval` is seconds; of a daily limit 0 means none."""

    smtp_host: str
    smtp_port: int
    smtp_max_size: int
    batch_size: int
    process_interval: float
    max_retries: int
    global_daily: int
    workspace_default: int
    user_default: int
    providers: Mapping[str, ProviderSettings]

    def provider(self, type: str) -> ProviderSettings:
        """Those of one type of accounts."""
        return self.providers.get(type, ProviderSettings())


@dataclass(frozen=True, slots=True)
class Change:
    """The names that have another value now, and whether one of them waits for a restart."""

    changed: tuple[str, ...]
    restart_required: bool


# What was worked out last, and of which rows.
_last: tuple[Mapping[str, Any], Settings] | None = None


def current() -> Settings:
    """What holds now; at most a second old. One query a second in each process."""
    global _last
    stored = rows.read()
    if _last is None or _last[0] is not stored:
        _last = (stored, _settings(_values(stored)))
    return _last[1]


def settings_of(stored: Mapping[str, Any]) -> Settings:
    """The same of rows that the caller has read. Pure."""
    return _settings(_values(stored))


def written() -> dict[str, Value]:
    """Every value that holds, by dotted name, as it is written: `queue.process_interval` is "30s"."""
    return _values(rows.read())


def change(given: Mapping[str, Any], *, provider_types: Collection[str], by: str) -> Change:
    """Merge nested values, as in {"queue": {"batch_size": 100}}, into what holds: all of them, or none.

    Raises InvalidInput with the dotted name of what is unknown, of the wrong type or out of its bounds.
    """
    asked = {
        name: (definition, definition.checked(value, name))
        for name, definition, value in _defined(given, provider_types)
    }
    rows.forget()
    before = written()
    fresh = {
        name: value for name, (definition, value) in asked.items() if before.get(name, definition.default()) != value
    }
    if fresh:
        write_rows(fresh, by=by)
    return Change(tuple(sorted(fresh)), any(asked[name][0].needs_restart for name in fresh))


def _defined(given: Mapping[str, Any], provider_types: Collection[str]) -> Iterator[tuple[str, Definition, Any]]:
    """Dotted name, definition and value of everything given."""
    sections = {name.partition(".")[0] for name in DEFINITIONS}
    for section, values in given.items():
        if section == _PROVIDERS:
            yield from _of_providers(_object(values, section), provider_types)
        elif section in sections:
            for name, value in _object(values, section).items():
                yield f"{section}.{name}", _known(DEFINITIONS.get(f"{section}.{name}"), f"{section}.{name}"), value
        else:
            _known(None, section)


def _of_providers(given: Mapping[str, Any], types: Collection[str]) -> Iterator[tuple[str, Definition, Any]]:
    for type, values in given.items():
        if type not in types:
            raise InvalidInput(
                "There is no such type of provider.",
                field=f"{_PROVIDERS}.{type}",
                hint=f"Types: {', '.join(sorted(types))}.",
            )
        for name, value in _object(values, f"{_PROVIDERS}.{type}").items():
            dotted = f"{_PROVIDERS}.{type}.{name}"
            yield dotted, _known(PROVIDER.get(name), dotted), value


def _object(values: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(values, dict):
        raise InvalidInput("This must be an object.", field=name)
    return values


def _known(definition: Definition | None, name: str) -> Definition:
    if definition is None:
        names = [*DEFINITIONS, *(f"{_PROVIDERS}.<type>.{word}" for word in PROVIDER)]
        raise InvalidInput("There is no such setting.", field=name, hint=f"Settings: {', '.join(names)}.")
    return definition


def _values(stored: Mapping[str, Any]) -> dict[str, Value]:
    held: dict[str, Value] = {name: definition.default() for name, definition in DEFINITIONS.items()}
    for name, value in stored.items():
        is_of_provider = name.startswith(f"{_PROVIDERS}.") and name.count(".") == 2
        definition = PROVIDER.get(name.rpartition(".")[2]) if is_of_provider else DEFINITIONS.get(name)
        if definition is None:
            continue
        try:
            held[name] = definition.checked(value, name)
        except InvalidInput as error:
            log.warning("a stored setting cannot be used, its default holds", extra={"cause": f"{name}: {error}"})
    return held


def _settings(held: Mapping[str, Any]) -> Settings:
    types = {name.split(".")[1] for name in held if name.startswith(f"{_PROVIDERS}.")}
    return Settings(
        smtp_host=held["smtp.host"],
        smtp_port=held["smtp.port"],
        smtp_max_size=held["smtp.max_size"],
        batch_size=held["queue.batch_size"],
        process_interval=seconds_of(held["queue.process_interval"]),
        max_retries=held["queue.max_retries"],
        global_daily=held["rate_limits.global_daily"],
        workspace_default=held["rate_limits.workspace_default"],
        user_default=held["rate_limits.user_default"],
        providers={
            type: ProviderSettings(
                enabled=held.get(f"{_PROVIDERS}.{type}.enabled", True),
                rate_limit=held.get(f"{_PROVIDERS}.{type}.rate_limit", 0),
            )
            for type in types
        },
    )
