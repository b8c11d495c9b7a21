"""A document as a form: every setting an item, groups and kinds of things with items of their own.

The name of a field is the path of its setting, with dots; below a kind of thing (*one of*) it holds the kind too, so
that what was typed for one kind is not read for another: ``authentication.bearer.token``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.outgoing.families import FAMILIES
from hookstation.core.values import JSON, Number
from hookstation.errors import Problem
from hookstation.web.pages.filters import pretty
from hookstation.web.pages.forms import Form

TYPE: Final = "type"
FAMILY: Final = "family"
"""The kind of signing that stands for all that sign as a well-known sender does."""

NOTHING: Final = ""
"""The way of a thing that may be left out."""

HIDDEN: Final = frozenset({"previous", "previous_until"})
"""What rotating writes; a document that does not speak of it leaves it as it is."""

ORDER: Final = {FAMILY: 1, "hmac": 2, "none": 3}
"""Where a way stands among the others; the usual one is the first."""

IN_LINES: Final = frozenset({Kind.LIST, Kind.NETWORKS, Kind.PORTS, Kind.DURATIONS})
AS_JSON: Final = frozenset({Kind.JSON, Kind.MAPPING, Kind.GROUPS, Kind.ENTRIES})
PAIRS: Final = frozenset(
    {
        "headers",
        "body.form.content",
        "source.http.headers",
        "source.http.query",
        "source.imis_query.parameters",
        "destination.http.headers",
    }
)
"""Mappings of names to templates, which are written as lines, ``name: template``, where that says all of them."""

LONG: Final = frozenset({"note", "condition", "tls.certificate", "tls.authorities", "body.text.content"})
LOOSE: Final = frozenset({"first", "source.files.after"})
"""JSON that is a word, or a word and what it goes with: ``now``, ``since: 2026-01-01``."""

_MISSING: Final = re.compile("“([a-z_]+)” is missing")

Place: TypeAlias = tuple[str | int, ...]


LONG_NAMES: Final = frozenset({"statement", "text"})


@dataclass(frozen=True, slots=True)
class Item:
    """One setting in a form. `known`: there is a secret already, which stays where nothing is typed.

    A group has `items`; a kind of thing has `ways`, of which one is `chosen`.
    """

    setting: Setting
    id: str
    value: str = ""
    error: str = ""
    known: bool = False
    items: Mapping[str, Item] = field(default_factory=dict)
    ways: Mapping[str, Mapping[str, Item]] = field(default_factory=dict)
    chosen: str = ""

    @property
    def label(self) -> str:
        """The setting's name as people read it."""
        known = LABELS_THERE.get(self.id) or LABELS.get(self.setting.name)
        return known or self.setting.name.replace("_", " ").capitalize()

    @property
    def control(self) -> str:
        """What it is typed into."""
        kind = self.setting.kind
        match kind:
            case Kind.SECRET | Kind.CHOICE | Kind.BOOLEAN:
                return kind.value
            case Kind.GROUP:
                return "group"
            case Kind.ONE_OF:
                return "ways"
        if kind in IN_LINES:
            return "words"
        if self.id in LOOSE:
            return "text"
        if self.id in PAIRS:
            return "pairs"
        if kind in AS_JSON:
            return "json"
        return "long" if self.id in LONG or self.setting.name in LONG_NAMES else "text"

    @property
    def placeholder(self) -> str:
        """An example, or what is taken where nothing is typed."""
        example, default = self.setting.example, self.setting.default
        if self.setting.kind is Kind.SECRET or self.control == "json":
            return ""
        return text_of(example if default in (None, "", []) else default, pairs=self.id in PAIRS)

    @property
    def wrong(self) -> bool:
        """Whether anything in it is wrong."""
        return bool(
            self.error
            or any(one.wrong for one in self.items.values())
            or any(one.wrong for one in self.ways.get(self.chosen, {}).values())
        )

    @property
    def filled(self) -> bool:
        """Whether it says anything besides what is usual."""
        usual = text_of(self.setting.default)
        return self.known or self.value not in ("", usual) or any(one.filled for one in self.items.values())

    def all(self) -> Iterable[Item]:
        """It, and what is in it and shown."""
        yield self
        for one in [*self.items.values(), *self.ways.get(self.chosen, {}).values()]:
            yield from one.all()


LABELS: Final[Mapping[str, str]] = {
    "url": "URL",
    "token_url": "URL of tokens",
    "client_id": "Client’s id",
    "client_secret": "Client’s secret",
    "in_body": "Send the client’s credentials in the form",
    "ports": "Only these ports",
    "networks": "Private networks",
    "timeout": "Time-out",
    "schedule": "Pauses",
    "concurrency": "At once",
    "disable_after": "Give up after",
    "content_type": "Content type",
    "active": "It takes part",
}
LABELS_THERE: Final[Mapping[str, str]] = {
    "first": "Begins with",
    "most": "At most",
    "key": "Known by",
    "duplicates.window": "Remembered for",
    "starts": "First day",
    "ends": "Last day",
    "except": "Not on these days",
    "missed": "If a time was missed",
    "missed_window": "Made up for within",
    "overlap": "If the last one still runs",
    "jitter": "Spread over",
    "clock_change.skipped": "A time that the clocks skip",
    "clock_change.repeated": "A time that comes twice",
}
"""What settings are called where they stand, by the id of their item: their names say too little alone."""


def items_of(
    settings: Iterable[Setting],
    document: Mapping[str, JSON],
    problems: Iterable[Problem] = (),
    form: Form | None = None,
) -> dict[str, Item]:
    """The items that show a document, or what was just sent of it, each with what is wrong there."""
    made = _Making([_placed(one) for one in problems], form)
    return {one.name: made.item(one, (one.name,), one.name, document) for one in settings}


def elsewhere(items: Mapping[str, Item], problems: Iterable[Problem]) -> list[str]:
    """What is wrong at no item that is there."""
    return [one.message for one in map(_placed, problems) if not one.path or str(one.path[0]) not in items]


@dataclass(frozen=True, slots=True)
class _Making:
    problems: Sequence[Problem]
    form: Form | None

    def item(self, setting: Setting, path: Place, name: str, document: Mapping[str, JSON]) -> Item:
        value = document.get(setting.name)
        inner = value if isinstance(value, dict) else {}
        blank = Item(setting, name)
        match setting.kind:
            case Kind.GROUP:
                items = self._items(setting.fields, path, name, inner)
                return replace(blank, items=items, error=self._error(path, exactly=True))
            case Kind.ONE_OF:
                return self._one_of(blank, path, inner)
        return replace(
            blank,
            value=self._text(blank, value),
            error=self._error(path),
            known=setting.kind is Kind.SECRET and value is not None,
        )

    def _items(
        self, settings: Iterable[Setting], path: Place, name: str, inner: Mapping[str, JSON]
    ) -> dict[str, Item]:
        return {
            one.name: self.item(one, (*path, one.name), f"{name}.{one.name}", inner)
            for one in settings
            if one.name not in HIDDEN
        }

    def _one_of(self, blank: Item, path: Place, inner: Mapping[str, JSON]) -> Item:
        default = blank.setting.default
        usual = str(default[TYPE]) if isinstance(default, dict) else ""
        there = way_of(str(inner.get(TYPE) or usual))
        found = ways_of(blank.setting)
        if not blank.setting.required and not usual:
            found = {NOTHING: (), **found}
        chosen = self.form.one(f"{blank.id}.{TYPE}") if self.form else there
        ways = {
            way: self._items(settings, path, f"{blank.id}.{way}", inner if way == there else {})
            for way, settings in found.items()
        }
        return replace(blank, ways=ways, chosen=chosen, error=self._error(path, exactly=True))

    def _text(self, item: Item, value: JSON) -> str:
        if self.form is not None:
            return self.form.one(item.id)
        if item.setting.kind is Kind.SECRET:
            return ""
        given = item.setting.default if value is None and item.setting.kind is Kind.BOOLEAN else value
        return text_of(given, pairs=item.id in PAIRS, as_json=item.control == "json")

    def _error(self, path: Place, *, exactly: bool = False) -> str:
        said: list[str] = []
        for one in self.problems:
            if one.path == path or (not exactly and one.path[: len(path)] == path):
                inside = [str(part) for part in one.path[len(path) :]]
                message = f"{one.message[0].upper()}{one.message[1:]}"
                said.append(f"{place_in(inside)}: {one.message}" if inside else message)
        return " ".join(said)


def place_in(inside: Sequence[str]) -> str:
    """The place in a list or mapping, for people: a position counts from 1."""
    return ".".join(f"No. {int(one) + 1}" if one.isdecimal() else one for one in inside)


def ways_of(setting: Setting) -> dict[str, tuple[Setting, ...]]:
    """The kinds of a thing with their settings; the families of signatures are one, and ask which."""
    families = {name for name in setting.variants if name in FAMILIES}
    ways = {name: one for name, one in setting.variants.items() if name not in families}
    if families:
        which = Setting(TYPE, Kind.CHOICE, required=True, choices=tuple(sorted(families)), help="Whose form.")
        ways[FAMILY] = (which, *setting.variants[min(families)])
    usual = setting.default[TYPE] if isinstance(setting.default, dict) else ""
    return dict(sorted(ways.items(), key=lambda pair: ORDER.get(pair[0], 1) if pair[0] != usual else 0))


def way_of(kind: str) -> str:
    """The way that a type stands under."""
    return FAMILY if kind in FAMILIES else kind


def text_of(value: JSON, *, pairs: bool = False, as_json: bool = False) -> str:
    """A value as it is typed."""
    if value is None:
        return ""
    if as_json:
        return pretty(value)
    if pairs and isinstance(value, dict):
        if all(_goes_on_a_line(name, one) for name, one in value.items()):
            return "\n".join(f"{name}: {one}" for name, one in value.items())
        return pretty(value)
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return "\n".join(text_of(one) for one in value)
        case Number():
            return value.text
        case dict():
            return ", ".join(f"{name}: {one}" for name, one in value.items() if isinstance(one, str))
    return str(value)


def _goes_on_a_line(name: str, value: JSON) -> bool:
    """Whether ``name: value`` is read back as it was; what is not is written as JSON."""
    if not isinstance(value, str) or not name or ":" in name or name.startswith("{"):
        return False
    return all(one == one.strip() and len(one.splitlines()) <= 1 for one in (name, value))


def _placed(problem: Problem) -> Problem:
    """A setting that is missing is told at that setting."""
    found = _MISSING.match(problem.message)
    return replace(problem, path=(*problem.path, found[1]), message="it is missing.") if found else problem


def is_missing(problem: Problem) -> bool:
    """Whether something was not filled in yet, rather than filled in wrongly."""
    return _MISSING.search(problem.message) is not None
