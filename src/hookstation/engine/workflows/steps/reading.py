"""Settings of a step as the types that it needs; what is of another type is refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.fieldlist.kinds import read_duration, read_size
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON, Number, kind_of
from hookstation.errors import Invalid, Terminal

MOST_ROWS: Final = 100_000
"""Rows that one step takes or puts out; a transfer moves any number."""


def text(settings: Mapping[str, JSON], name: str, default: str = "") -> str:
    """A text; numbers and booleans as they are written."""
    value = settings.get(name)
    if value is None:
        return default
    if isinstance(value, list | dict):
        raise Terminal(f"“{name}” is {_a(value)}, and has to be text.")
    return text_of(value)


def needed(settings: Mapping[str, JSON], name: str) -> str:
    """A text that may not be empty."""
    found = text(settings, name)
    if not found:
        raise Terminal(f"“{name}” is empty; this step cannot be done without it.")
    return found


def whole(settings: Mapping[str, JSON], name: str, default: int = 0) -> int:
    """A whole number, 0 or more."""
    value = settings.get(name)
    if value is None or value == "":
        return default
    written = str(value) if isinstance(value, int | str | Number) and not isinstance(value, bool) else ""
    if not written.isdecimal() or len(written) > 12:
        raise Terminal(f"“{name}” is {_a(value)}, and has to be a whole number from 0 on.")
    return int(written)


def seconds(settings: Mapping[str, JSON], name: str, default: float = 0.0) -> float:
    """A duration such as ``2h``."""
    value = settings.get(name)
    if value is None or value == "":
        return default
    try:
        return float(str(read_duration(Setting(name, Kind.DURATION), value)))
    except Invalid as invalid:
        raise Terminal(f"“{name}” {invalid.message}") from invalid


def size(settings: Mapping[str, JSON], name: str, default: int) -> int:
    """A number of bytes, such as ``1MiB``."""
    value = settings.get(name)
    if value is None or value == "":
        return default
    try:
        return read_size(Setting(name, Kind.SIZE), value)
    except Invalid as invalid:
        raise Terminal(f"“{name}” {invalid.message}") from invalid


def flag(settings: Mapping[str, JSON], name: str, *, default: bool = False) -> bool:
    """Yes or no."""
    value = settings.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise Terminal(f"“{name}” is {_a(value)}, and has to be true or false.")


def mapping(settings: Mapping[str, JSON], name: str) -> dict[str, JSON]:
    """An object; one that is not given is empty."""
    value = settings.get(name)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise Terminal(f"“{name}” is {_a(value)}, and has to be an object.")
    return value


def items(settings: Mapping[str, JSON], name: str) -> list[JSON]:
    """An array; one that is not given is empty."""
    value = settings.get(name)
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise Terminal(f"“{name}” is {_a(value)}, and has to be an array.")
    if len(value) > MOST_ROWS:
        raise Terminal(f"“{name}” has {len(value)} items, and may have {MOST_ROWS}. Use a transfer for more.")
    return value


def rows(settings: Mapping[str, JSON], name: str) -> list[dict[str, JSON]]:
    """An array of objects."""
    found: list[dict[str, JSON]] = []
    for number, item in enumerate(items(settings, name)):
        if not isinstance(item, dict):
            raise Terminal(f"“{name}”: item {number} is {_a(item)}, and every item has to be an object.")
        found.append(item)
    return found


def names(settings: Mapping[str, JSON], name: str) -> tuple[str, ...]:
    """Texts: an array of them, or one."""
    value = settings.get(name)
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(text_of(item) for item in items(settings, name))


def addresses(settings: Mapping[str, JSON], name: str) -> tuple[str, ...]:
    """Mail addresses: an array of them, or one text with commas between them."""
    return names(settings, name)


def _a(value: JSON) -> str:
    kind = kind_of(value)
    return "null" if kind == "null" else f"{'an' if kind[0] in 'aio' else 'a'} {kind}"
