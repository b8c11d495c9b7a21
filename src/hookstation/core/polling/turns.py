"""What one turn takes of what a source has: pure, so that every source remembers in the same way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from hookstation.core.polling.position import key_digest
from hookstation.core.values import JSON, Number
from hookstation.errors import Terminal

Rank: TypeAlias = tuple[int, Decimal | str]

MOST_SEEN: Final = 20_000
"""Keys of items that are remembered besides the value up to which a source was read."""

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].+)?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a source has. `key`: by which it is known again; `value`: what becomes the event's body.

    `flaw`: why its key could not be made as its poll says; it becomes an event that has failed.
    """

    key: str
    value: JSON
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a turn took. `at`: what is remembered; `seen`: digests of keys besides it; `more`: there is more now."""

    items: Sequence[Item]
    at: Mapping[str, JSON]
    seen: Sequence[str] = ()
    more: bool = False


@dataclass(slots=True)
class Asked:
    """What a source is asked with. `at` and `seen` as they stand; `most` items; `baseline`: only remember, take none.

    `since`: ISO 8601, of a first turn that begins with a date.  `until`: the greatest value of the source's cursor that
    is asked for.  `now`: microseconds since the epoch.
    """

    at: Mapping[str, JSON]
    seen: Sequence[str]
    most: int
    baseline: bool = False
    since: str = ""
    until: JSON = None
    now: int = 0


def since_of(asked: Asked) -> str:
    """The date with which it began, for a source that is still being read for the first time."""
    kept = asked.at.get("since")
    return asked.since or (kept if isinstance(kept, str) else "")


def is_before(moment: JSON, since: str) -> bool:
    """Whether something came before the date with which a poll began; what says no moment did not."""
    return bool(since) and isinstance(moment, str) and rank(moment) < rank(since)


def rank(value: JSON) -> Rank:
    """How values of a field that grows are ordered: numbers by value, moments by time, other texts by their signs.

    Numbers come before moments, and these before other texts.  A moment is ISO 8601; one without a zone is in UTC.  By
    its signs ``09:00:00.5Z`` would stand before ``09:00:00Z``, and an hour would come twice when clocks are put back.
    """
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
        at = _moment(text)
        return (3, text) if at is None else (2, at)
    return (1, number) if number.is_finite() else (3, text)


def _moment(text: str) -> Decimal | None:
    """Microseconds since 1970, ``None`` for what is no moment."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    spent = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    return Decimal((spent.days * 86_400 + spent.seconds) * 1_000_000 + spent.microseconds)


def check_since(value: JSON, asked: Asked) -> None:
    """Raise `Terminal` where a first turn begins with a date, but the field that grows has numbers."""
    if asked.since and not asked.at and rank(value)[0] == 1:
        raise Terminal(
            f"The field grows in numbers such as {value}, so it cannot begin with a date; begin with now or everything."
        )


def in_order(items: Iterable[tuple[JSON, Item]], asked: Asked) -> Found:
    """Of items that their source itself put in order, from the remembered value on: those that did not come before.

    Only whether two values are the same is asked here, since a source orders texts by rules of its own.  It is enough
    to give so many items that one more is new than may be taken.  Raises `Terminal` as `beyond` does.
    """
    last, known = asked.at.get("value"), set(asked.seen)
    new = [
        (value, item)
        for value, item in items
        if last is None or value != last or key_digest(item.key) not in known
    ]
    taken = new[: asked.most]
    if not taken:
        began: Mapping[str, JSON] = {"value": asked.since} if asked.since else {}
        return Found((), asked.at or began, asked.seen)
    value = taken[-1][0]
    seen = [
        *(asked.seen if value == last else ()),
        *(key_digest(one.key) for at, one in taken if at == value),
    ]
    check_seen(seen, value)
    return Found([one for _, one in taken], {**asked.at, "value": value}, seen, more=len(new) > len(taken))


def check_seen(seen: Sequence[str], value: JSON) -> None:
    """Raise `Terminal` where more items share a value than can be told apart."""
    if len(seen) > MOST_SEEN:
        raise Terminal(
            f"More than {MOST_SEEN:,} items have the same value, {value}, so they cannot be told apart by it. Take a "
            "field that grows in finer steps."
        )


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
    check_seen(seen, value)
    chosen = () if asked.baseline else [item for _, _, _, item in taken]
    return Found(chosen, {**asked.at, "value": value}, seen, more=len(new) > len(taken))


def unseen(items: Sequence[Item], asked: Asked, at: Mapping[str, JSON]) -> Found:
    """Of all that a source has: what was not there the last time, at most so many. `at`: remembered when all came.

    An item that comes several times counts once.  Raises `Terminal` where a source has more than `MOST_SEEN` items.
    """
    items = list({item.key: item for item in reversed(items)}.values())[::-1]
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
    more = len(new) > len(taken)
    chosen = [] if asked.baseline else taken
    return Found(chosen, (asked.at or {"begun": True}) if more else at, seen, more=more)
