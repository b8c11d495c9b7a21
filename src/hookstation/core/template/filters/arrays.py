"""Filters over arrays."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from hookstation.core.jsontext import dump_json
from hookstation.core.template.filters.common import FilterFailed, array, items, number, property_of, text
from hookstation.core.template.filters.numbers import plus
from hookstation.core.template.filters.texts import joined
from hookstation.core.template.liquid_values import to_json


def first(value: object) -> object:
    """The first element, or nothing."""
    found = items(value)
    return found[0] if found and not isinstance(value, str) else None


def last(value: object) -> object:
    """The last element, or nothing."""
    found = items(value)
    return found[-1] if found and not isinstance(value, str) else None


def concat(value: object, more: object) -> object:
    """The elements of both."""
    return array(items(value) + items(more))


def map_(value: object, name: object) -> object:
    """One property of each element."""
    return array([property_of(item, name) for item in items(value)])


def sort(value: object, name: object = None) -> object:
    """The elements in ascending order, of a property where one is named; what has none comes last."""
    return _sorted(value, name, lambda key: key)


def sort_natural(value: object, name: object = None) -> object:
    """As `sort`, but as text, and case does not count."""
    return _sorted(value, name, lambda key: text(key).casefold())


def _sorted(value: object, name: object, order: Callable[[object], object]) -> object:
    keyed = [(item if name is None else property_of(item, name), item) for item in items(value)]
    there = [(order(key), position) for position, (key, _) in enumerate(keyed) if key is not None]
    if not _comparable([key for key, _ in there]):
        raise FilterFailed("only texts among themselves or numbers among themselves can be sorted")
    absent = [item for key, item in keyed if key is None]
    there.sort(key=lambda pair: pair[0])  # type: ignore[arg-type,return-value]  # proven comparable above
    return array([keyed[position][1] for _, position in there] + absent)


def _comparable(keys: list[object]) -> bool:
    numbers = all(isinstance(key, int | Decimal) and not isinstance(key, bool) for key in keys)
    return numbers or all(isinstance(key, str) for key in keys)


def _matching(name: object, value: object) -> Callable[[object], bool]:
    if value is None:
        return lambda item: property_of(item, name) not in (None, False)
    return lambda item: property_of(item, name) == value


def where(value: object, name: object, wanted: object = None) -> object:
    """The elements whose property is `wanted`, or simply there."""
    match = _matching(name, wanted)
    return array([item for item in items(value) if match(item)])


def reject(value: object, name: object, unwanted: object = None) -> object:
    """The elements that `where` leaves out."""
    match = _matching(name, unwanted)
    return array([item for item in items(value) if not match(item)])


def find(value: object, name: object, wanted: object = None) -> object:
    """The first element that `where` finds."""
    return next(filter(_matching(name, wanted), items(value)), None)


def find_index(value: object, name: object, wanted: object = None) -> object:
    """The position of what `find` finds."""
    match = _matching(name, wanted)
    return next((index for index, item in enumerate(items(value)) if match(item)), None)


def has(value: object, name: object, wanted: object = None) -> bool:
    """Whether `find` finds anything."""
    return any(map(_matching(name, wanted), items(value)))


def uniq(value: object, name: object = None) -> object:
    """The elements, each once; by a property where one is named."""
    kept: dict[str, object] = {}
    for item in items(value):
        kept.setdefault(dump_json(to_json(item if name is None else property_of(item, name))), item)
    return array(list(kept.values()))


def compact(value: object, name: object = None) -> object:
    """The elements that are not null, or whose property is not."""
    return array(
        [item for item in items(value) if (item if name is None else property_of(item, name)) is not None]
    )


def sum_(value: object, name: object = None) -> object:
    """The sum of the elements, or of a property of each; digits are kept."""
    total: object = 0
    for item in items(value):
        total = plus(total, number(item if name is None else property_of(item, name)))
    return total


def size(value: object) -> int:
    """How many characters, elements or members there are."""
    return len(value) if isinstance(value, str | list | dict | tuple | range) else 0


ARRAY_FILTERS: Final[dict[str, Callable[..., object]]] = {
    "array": lambda value: array(items(value)),
    "compact": compact,
    "concat": concat,
    "find": find,
    "find_index": find_index,
    "first": first,
    "has": has,
    "join": joined,
    "last": last,
    "map": map_,
    "reject": reject,
    "reverse": lambda value: array(items(value)[::-1]),
    "size": size,
    "sort": sort,
    "sort_natural": sort_natural,
    "sum": sum_,
    "uniq": uniq,
    "where": where,
}
