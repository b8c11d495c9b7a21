"""What samples show: for each place of a payload the types, texts and counts that were seen there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hookstation.core.draft.formats import FORMATS, formats_of, slashed
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON, Number, Scalar
from hookstation.errors import Invalid, Problem

DEEPEST: Final = 60
"""Objects and arrays of a sample inside one another: a schema nests twice as deep, and may have 128 levels."""
MOST_SAMPLES: Final = 100
MOST_FIELDS: Final = 1_000
"""Places that samples may show together."""
MOST_VALUES: Final = 100_000
"""Values in all samples together."""
MOST_EXAMPLES: Final = 3
MOST_TEXTS: Final = 20
"""Different texts that are remembered of one place."""
LONGEST_EXAMPLE: Final = 100
LONGEST_NUMBER: Final = 15
"""Characters of a number that is kept as an example."""

TYPES: Final = ("object", "array", "string", "number", "integer", "boolean", "null")
"""The types of JSON Schema in the order in which a draft lists them."""


@dataclass(slots=True)
class Seen:
    """One place. `count`: values seen there; `kinds`: how many of each JSON type; `objects`: objects among them.

    `texts`: different texts, in the order seen, ``None`` once they are too many; `formats`: those that every text has.
    `orders`: what the slashed dates among the texts allow, ``None`` where one of them is no such date.
    """

    count: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    members: dict[str, Seen] = field(default_factory=dict)
    items: Seen | None = None
    examples: list[Scalar] = field(default_factory=list)
    texts: list[str] | None = field(default_factory=list)
    formats: frozenset[str] = FORMATS
    orders: frozenset[str] | None = frozenset({"day-first", "month-first"})
    largest: int = 0
    """The most digits of a whole number."""

    def types(self) -> list[str]:
        """The types seen, a number standing for whole numbers too, in the order of `TYPES`."""
        whole_too = "number" in self.kinds
        return [one for one in TYPES if one in self.kinds and not (one == "integer" and whole_too)]

    def only(self, *kinds: str) -> bool:
        """Whether something was seen, and nothing but these types and null."""
        shown = self.kinds.keys() - {"null"}
        return bool(shown) and shown <= set(kinds)


class _Watcher:
    def __init__(self) -> None:
        self.places = 0
        self.values = 0

    def look(self, seen: Seen, value: JSON, depth: int) -> None:
        self.values += 1
        if self.values > MOST_VALUES:
            raise _refused(f"hold more than {MOST_VALUES:,} values; give fewer or smaller ones.")
        seen.count += 1
        kind = json_type(value)
        seen.kinds[kind] = seen.kinds.get(kind, 0) + 1
        if isinstance(value, dict | list):
            if depth > DEEPEST:
                raise _refused(
                    f"are nested too deeply: at most {DEEPEST} objects and lists inside one another."
                )
            self._inside(seen, value, depth)
        else:
            _note(seen, value)

    def _inside(self, seen: Seen, value: dict[str, JSON] | list[JSON], depth: int) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                self.look(self._member(seen, name), inner, depth + 1)
            return
        for inner in value:
            if seen.items is None:
                seen.items = self._place()
            self.look(seen.items, inner, depth + 1)

    def _member(self, seen: Seen, name: str) -> Seen:
        known = seen.members.get(name)
        if known is None:
            known = seen.members[name] = self._place()
        return known

    def _place(self) -> Seen:
        self.places += 1
        if self.places > MOST_FIELDS:
            raise _refused(
                f"show more than {MOST_FIELDS:,} fields; a schema of so many must be written by hand."
            )
        return Seen()


def look_at(samples: Sequence[JSON]) -> Seen:
    """What the samples show together. Raises `Invalid` where there is none, or they are over a limit."""
    if not samples:
        raise Invalid([Problem(("samples",), "is empty: give at least one sample payload.")])
    if len(samples) > MOST_SAMPLES:
        raise _refused(f"are {len(samples)}; at most {MOST_SAMPLES} are looked at together.")
    root, watcher = Seen(), _Watcher()
    for number, sample in enumerate(samples):
        if not isinstance(sample, dict | list):
            message = f"is {json_type(sample)}: a payload is a JSON object or array."
            raise Invalid([Problem(("samples", number), message)])
        watcher.look(root, sample, 1)
    return root


def json_type(value: JSON) -> str:
    """The narrowest type of JSON Schema that a value has by how it was written."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, Number):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _note(seen: Seen, value: Scalar) -> None:
    if isinstance(value, str):
        seen.formats &= formats_of(value) if seen.formats else seen.formats
        seen.orders = None if seen.orders is None else _orders(value, seen.orders)
        _remember(seen, value)
    elif isinstance(value, int) and not isinstance(value, bool):
        seen.largest = max(seen.largest, abs(value).bit_length() * 3 // 10 + 1)
    if value is not None and len(seen.examples) < MOST_EXAMPLES and _showable(value):
        shown = dump_json(value)
        if all(shown != dump_json(known) for known in seen.examples):
            seen.examples.append(value)


def _remember(seen: Seen, text: str) -> None:
    if seen.texts is None or text in seen.texts:
        return
    seen.texts.append(text)
    if len(seen.texts) > MOST_TEXTS:
        seen.texts = None


def _orders(text: str, left: frozenset[str]) -> frozenset[str] | None:
    parts = slashed(text)
    if parts is None:
        return None
    possible = {"day-first"} if parts[1] <= 12 else set()
    return left & (possible | ({"month-first"} if parts[0] <= 12 else set()))


def _showable(value: Scalar) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_EXAMPLE
    return isinstance(value, bool) or len(str(value)) <= LONGEST_NUMBER


def _refused(said: str) -> Invalid:
    return Invalid([Problem(("samples",), said)])
