"""A document against its settings: decoded with all problems at once, and written back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.fieldlist.kinds import READERS, WRITERS, counted, listed, shown
from hookstation.core.fieldlist.setting import Kind, SecretReader, SecretWriter, Setting, Values
from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON, Number, Secret, kind_of
from hookstation.errors import Invalid, Problem, SecretError

TYPE: Final = "type"
"""The setting that chooses among the variants of a one-of."""


def decode(
    settings: tuple[Setting, ...], document: JSON, codec: SecretReader, purpose: str = ""
) -> tuple[Values, list[Problem]]:
    """The document's values with defaults filled in, and everything that is wrong with it.

    With no error among the problems every required setting is there.  `purpose` is the place that secrets are
    sealed for; the setting's name is appended to it.
    """
    if not isinstance(document, dict):
        return Values({}), [Problem((), f"must be an object with settings, but is {kind_of(document)}.")]
    known = {setting.name for setting in settings}
    problems = [_unknown(name, settings) for name in document if name not in known]
    values: dict[str, object] = {}
    for setting in settings:
        given = document.get(setting.name)
        value = given if given is not None else setting.default
        if value is not None:
            found, wrong = _decode_one(
                setting, value, codec, f"{purpose}/{setting.name}" if purpose else setting.name
            )
            problems += [problem.under(setting.name) for problem in wrong]
            values |= {} if found is None else {setting.name: found}
        elif setting.required:
            problems.append(_missing(setting, setting.name in document))
    return Values(values), problems


def _unknown(name: str, settings: tuple[Setting, ...]) -> Problem:
    known = [setting.name for setting in settings]
    allowed = f"known here are {', '.join(known)}" if known else "none are known here"
    return Problem((name,), f"is not a known setting; {allowed}.{did_you_mean(name, known)}")


def _missing(setting: Setting, empty: bool) -> Problem:
    if empty:
        return Problem((setting.name,), f"must not be empty. {setting.help}".rstrip())
    return Problem((), f"“{setting.name}” is missing. {setting.help}".rstrip())


def _decode_one(
    setting: Setting, value: JSON, codec: SecretReader, purpose: str
) -> tuple[object | None, list[Problem]]:
    match setting.kind:
        case Kind.GROUP:
            return decode(setting.fields, value, codec, purpose)
        case Kind.ONE_OF:
            return _decode_variant(setting, value, codec, purpose)
        case Kind.ENTRIES:
            return _decode_entries(setting, value, codec, purpose)
        case Kind.GROUPS:
            return _decode_groups(setting, value, codec, purpose)
    try:
        if setting.kind is Kind.SECRET:
            return codec.decode(value, purpose), []
        return READERS[setting.kind](setting, value), []
    except Invalid as refusal:
        return None, list(refusal.problems)
    except SecretError as refusal:
        return None, [Problem((), refusal.message)]


def _decode_variant(
    setting: Setting, value: JSON, codec: SecretReader, purpose: str
) -> tuple[Values | None, list[Problem]]:
    names = list(setting.variants)
    if not isinstance(value, dict):
        return None, [
            Problem((), f"must be an object with a type, but is {kind_of(value)}. {setting.help}".rstrip())
        ]
    chosen = value.get(TYPE)
    if chosen is None:
        return None, [Problem((), f"“type” is missing; choose one of {listed(names)}.")]
    if not isinstance(chosen, str) or chosen not in setting.variants:
        hint = did_you_mean(chosen, names) if isinstance(chosen, str) else ""
        return None, [
            Problem((TYPE,), f"{shown(chosen)} is not a known type; choose one of {listed(names)}.{hint}")
        ]
    rest: JSON = {name: one for name, one in value.items() if name != TYPE}
    values, problems = decode(setting.variants[chosen], rest, codec, purpose)
    return Values({TYPE: chosen, **values}), problems


def _decode_entries(
    setting: Setting, value: JSON, codec: SecretReader, purpose: str
) -> tuple[dict[str, Values] | None, list[Problem]]:
    if not isinstance(value, dict):
        return None, [Problem((), f"must be an object of names and their settings, but is {kind_of(value)}.")]
    try:
        counted(setting, len(value))
    except Invalid as refusal:
        return None, list(refusal.problems)
    entries: dict[str, Values] = {}
    problems: list[Problem] = []
    for name, one in value.items():
        entries[name], wrong = decode(setting.fields, one, codec, f"{purpose}/{name}")
        problems += [problem.under(name) for problem in wrong]
    return entries, problems


def _decode_groups(
    setting: Setting, value: JSON, codec: SecretReader, purpose: str
) -> tuple[list[Values] | None, list[Problem]]:
    if not isinstance(value, list):
        return None, [Problem((), f"must be a list of objects with settings, but is {kind_of(value)}.")]
    try:
        counted(setting, len(value))
    except Invalid as refusal:
        return None, list(refusal.problems)
    groups: list[Values] = []
    problems: list[Problem] = []
    for index, one in enumerate(value):
        group, wrong = decode(setting.fields, one, codec, f"{purpose}/{index}")
        groups.append(group)
        problems += [problem.under(index) for problem in wrong]
    return groups, problems


def encode(
    settings: tuple[Setting, ...],
    values: Mapping[str, object],
    codec: SecretWriter,
    purpose: str = "",
    *,
    defaults: bool = False,
) -> dict[str, JSON]:
    """The document that decodes to `values`: in the order of the settings, with what is default or without."""
    document: dict[str, JSON] = {}
    for setting in settings:
        value = values.get(setting.name)
        if value is None:
            continue
        place = f"{purpose}/{setting.name}" if purpose else setting.name
        written = _encode_one(setting, value, codec, place, defaults)
        needless = _is_empty(setting, written) or (not defaults and _is_default(setting, value))
        if setting.required or not needless:
            document[setting.name] = written
    return document


def _encode_one(setting: Setting, value: object, codec: SecretWriter, purpose: str, defaults: bool) -> JSON:
    match setting.kind, value:
        case Kind.SECRET, Secret():
            return codec.encode(value, purpose)
        case Kind.GROUP, Mapping():
            return encode(setting.fields, value, codec, purpose, defaults=defaults)
        case Kind.ONE_OF, Mapping():
            chosen = str(value[TYPE])
            return {
                TYPE: chosen,
                **encode(setting.variants[chosen], value, codec, purpose, defaults=defaults),
            }
        case Kind.ENTRIES, Mapping():
            return {
                name: encode(setting.fields, one, codec, f"{purpose}/{name}", defaults=defaults)
                for name, one in value.items()
            }
        case Kind.GROUPS, list():
            return [
                encode(setting.fields, one, codec, f"{purpose}/{index}", defaults=defaults)
                for index, one in enumerate(value)
            ]
    return plain(WRITERS[setting.kind](value) if setting.kind in WRITERS else value)


def _is_default(setting: Setting, value: object) -> bool:
    reader = READERS.get(setting.kind)
    if setting.default is None or reader is None:
        return False
    default = reader(setting, setting.default)
    return type(default) is type(value) and default == value


def _is_empty(setting: Setting, written: JSON) -> bool:
    """Empty lists, groups and texts say nothing, but a mapping or JSON value may mean its emptiness."""
    return setting.default is None and setting.kind is not Kind.JSON and written in ("", [], {})


def plain(value: object) -> JSON:
    """A decoded value without secrets as JSON: tuples become lists; anything else is our own mistake."""
    if value is None or isinstance(value, bool | int | str | Number):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    raise TypeError(f"{type(value).__name__} is not a JSON value")
