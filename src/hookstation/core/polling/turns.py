"""What one turn takes of what a source has: pure, so that every source remembers in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from hookstation.core.polling.position import key_digest
from hookstation.core.values import JSON, Number
from hookstation.errors import Terminal

Rank: TypeAlias = tuple[int, Decimal | str]

MOST_SEEN: Final = 20_000
"""Keys of items that are remembered besides the value up to which a source was read."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a source has. `key`: by which it is known again; `value`: what becomes the event's body."""

    key: str
    value: JSON


@dataclass(frozen=True, slots=True)
class Found:
    """What a turn took. `at`: what is remembered; `seen`: digests of keys besides it; `more`: there is more now."""

    items: Sequence[Item]
    at: Mapping[str, JSON]
    seen: Sequence[str] = ()
    more: bool = False
    left: int = 0


@dataclass(slots=True)
class Asked:
    """What a source is asked with. `at` and `seen` as they stand; `most` items; `baseline`: only remember, take none.

    `since`: ISO 8601, of a first turn that begins with a date.
    """

    at: Mapping[str, JSON]
    seen: Sequence[str]
    most: int
    baseline: bool = False
    since: str = ""
    until: JSON = None
    facts: Mapping[str, JSON] = field(default_factory=dict)


def rank(value: JSON) -> Rank:
    """How values of a field that grows are ordered: numbers by their value and before texts, texts by their signs."""
    if isinstance(value, bool) or value is None:
        return (0, "")
    if isinstance(value, int):
        return (1, Decimal(value))
    if isinstance(value, Number):
        return (1, value.decimal)
    text = value if isinstance(value, str) else repr(value)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return (2, text)
    return (1, number) if number.is_finite() else (2, text)


def beyond(items: Iterable[tuple[JSON, Item]], asked: Asked) -> Found:
    """Of items with the value of their field: those behind what is remembered, in its order, at most so many.

    Items with the very value that is remembered are told apart by their keys, so none is lost where several share it.
    Raises `Terminal` where more than `MOST_SEEN` do.
    """
    last = asked.at.get("value")
    floor = rank(last) if last is not None else None
    known = set(asked.seen)
    new = sorted(
        (
            (rank(value), number, value, item)
            for number, (value, item) in enumerate(items)
            if floor is None
            or rank(value) > floor
            or (rank(value) == floor and key_digest(item.key) not in known)
        ),
        key=lambda one: (one[0], one[1]),
    )
    taken = new if asked.baseline else new[: asked.most]
    if not taken:
        began: Mapping[str, JSON] = {"value": asked.since} if asked.since else {}
        return Found((), asked.at or began, asked.seen)
    top, value = taken[-1][0], taken[-1][2]
    seen = list(asked.seen) if floor == top else []
    seen += [key_digest(item.key) for at, _, _, item in taken if at == top]
    if len(seen) > MOST_SEEN:
        raise Terminal(
            f"More than {MOST_SEEN:,} items have the same value, {value}, so they cannot be told apart by it. Take a "
            "field that grows in finer steps."
        )
    chosen = () if asked.baseline else [item for _, _, _, item in taken]
    left = len(new) - len(taken)
    return Found(chosen, {**asked.at, "value": value}, seen, more=left > 0, left=left)


def unseen(items: Sequence[Item], asked: Asked, at: Mapping[str, JSON]) -> Found:
    """Of all that a source has: what was not there the last time, at most so many. `at`: remembered when all came.

    Raises `Terminal` where a source has more than `MOST_SEEN` items.
    """
    if len(items) > MOST_SEEN:
        raise Terminal(
            f"The source has {len(items):,} items; without a cursor at most {MOST_SEEN:,} can be known again. Take a "
            "cursor by a field that grows, or ask for fewer."
        )
    known = set(asked.seen)
    new = [item for item in items if key_digest(item.key) not in known]
    taken = new if asked.baseline else new[: asked.most]
    there = {key_digest(item.key) for item in items}
    seen = [one for one in asked.seen if one in there] + [key_digest(item.key) for item in taken]
    left = len(new) - len(taken)
    chosen = [] if asked.baseline else taken
    return Found(chosen, asked.at or {"begun": True} if left else at, seen, more=left > 0, left=left)
