"""Reading beyond single rows: calls in the target's own terms, stored queries, and activities by their number."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from hookstation.connectors.imis.answers import Call, NoSuchThing
from hookstation.connectors.imis.client import OF_A_PATH, ImisClient, below_api
from hookstation.connectors.imis.envelope import Form, key_of, value_of
from hookstation.connectors.imis.find import find, find_all
from hookstation.connectors.imis.paging import PAGE, total_of, values_of, walk
from hookstation.connectors.imis.values import unwrap
from hookstation.core.records import ACTIVITY
from hookstation.core.values import JSON, Scalar
from hookstation.errors import Retriable, Terminal
from hookstation.ports.api import ApiCall
from hookstation.ports.rows import Row

SEQUENCE: Final = "SEQN"
QUERIES: Final = ("query", "iqa")
"""Where stored queries are: of the newer platform with flat rows, and of the older one with entities."""


def kind_of_call(method: str) -> Call:
    """What happens when a call of this method is executed twice (RFC 9110, 9.2.2)."""
    match method.upper():
        case "GET" | "HEAD" | "OPTIONS":
            return Call.READ
        case "PUT" | "DELETE":
            return Call.REPLACE
        case _:
            return Call.ADD


async def pages(client: ImisClient, call: ApiCall) -> AsyncIterator[Sequence[JSON]]:
    """The items of all pages of a call. Raises `Terminal` for a method that does not only read."""
    if kind_of_call(call.method) is not Call.READ:
        raise Terminal("All pages can only be asked for by GET.")
    given = {name.lower(): value for name, value in call.query}
    kept = {name: value for name, value in call.query if name.lower() not in ("limit", "offset")}
    path = quote(below_api(call.path), safe=OF_A_PATH)
    size, start = _count(given.get("limit", ""), PAGE), _count(given.get("offset", ""), 0)

    async def ask(offset: int, limit: int) -> JSON:
        query = {**kept, "limit": str(limit), "offset": str(offset)}
        return await client.call("GET", path, Call.READ, query=query)

    async for rows in walk(ask, max(size, 1), start):
        if rows:
            yield rows


async def query(
    client: ImisClient, name: str, parameters: Mapping[str, str], offset: int, limit: int
) -> AsyncIterator[Sequence[Row]]:
    """Rows of a stored query from a row on, wherever this platform has them. `limit`: 0 for all."""
    place = await _place_of(client, name, parameters)

    async def ask(begin: int, size: int) -> JSON:
        return await client.call("GET", place, Call.READ, query=_asked(name, parameters, begin, size))

    left = limit or None
    async for found in walk(ask, PAGE if left is None else max(min(PAGE, left), 2), offset):
        rows = [row_of(each) for each in found][:left]
        if rows:
            yield rows
        left = None if left is None else left - len(rows)
        if left == 0:
            return


async def _place_of(client: ImisClient, name: str, parameters: Mapping[str, str]) -> str:
    """The address that knows the query; each platform lacks one of them. Raises `Terminal` where none does."""
    for place in QUERIES:
        try:
            await client.call("GET", place, Call.READ, query=_asked(name, parameters, 0, 1))
        except NoSuchThing:
            continue
        return place
    raise Terminal(f"The target has no stored query “{name}”, or does not show it to this account.")


def _asked(name: str, parameters: Mapping[str, str], offset: int, limit: int) -> dict[str, str]:
    return {**parameters, "queryname": name, "limit": str(limit), "offset": str(offset)}


def row_of(item: JSON) -> Row:
    """A row, flat: of a newer query its properties as they are, of an entity those of its list."""
    if not isinstance(item, dict):
        raise Terminal("A row of the target cannot be understood.")
    held = item.get("Properties")
    listed = held.get("$values") if isinstance(held, dict) else None
    if isinstance(listed, list):
        found = [each for each in listed if isinstance(each, dict) and each.get("Name")]
        return {str(each["Name"]): unwrap(each.get("Value")) for each in found}
    return {name: unwrap(value) for name, value in item.items() if name != "$type"}


async def records(
    client: ImisClient, form: Form, match: Mapping[str, Scalar], limit: int
) -> Sequence[Mapping[str, JSON]]:
    """At most `limit` rows of an entity that hold these values, each with its key."""
    found = find(client, form, match, list(match), limit) if match else find_all(client, form, limit)
    return [{"key": key_of(entity), **_canonical(form, entity)} for entity in await found]


def _canonical(form: Form, entity: dict[str, JSON]) -> dict[str, JSON]:
    ours = {wire.casefold(): name for name, wire in form.names.items()}
    row = {ours.get(name.casefold(), name): value for name, value in row_of(entity).items()}
    if form.spec.party_field and form.spec.party_field not in row:
        row[form.spec.party_field] = value_of(form, entity, form.spec.party_field)
    return row


class Activities:
    """Activities in the order of their numbers, found without a comparison that no source proves.

    The list is asked for in that order; the place behind a number is remembered, and else found by halving.
    """

    def __init__(self, client: ImisClient) -> None:
        self._client = client
        self._hint = 0

    async def newest(self) -> int:
        """The greatest number, 0 where there is none."""
        total = total_of(await self._page(0, 1))
        while total:
            rows = values_of(await self._page(total - 1, 1))
            if rows:
                return _number(rows[0])
            total -= 1
        return 0

    async def after(self, form: Form, sequence: int, limit: int) -> Sequence[Row]:
        """The next activities with a greater number. Raises `Retriable` where the list changes meanwhile."""
        place = self._hint if await self._fits(self._hint, sequence) else await self._find(sequence)
        found = values_of(await self._page(place, limit)) if limit > 0 else []
        numbers = [_number(each) for each in found]
        if numbers != sorted(numbers):
            raise Terminal("The target does not sort activities by SEQN, so none can be told to be new.")
        if place and not await self._fits(place, sequence):
            raise Retriable("Activities were taken away while they were read.")
        self._hint = place + len(found)
        return [
            _canonical(form, each) | {SEQUENCE: _number(each)}
            for each in found
            if isinstance(each, dict) and _number(each) > sequence
        ]

    async def _fits(self, place: int, sequence: int) -> bool:
        """Whether all before this place have a number up to `sequence`, and what stands there a greater one."""
        begin = max(place - 1, 0)
        around = [_number(each) for each in values_of(await self._page(begin, 2))]
        before, there = (around[:1], around[1:]) if place else ([], around[:1])
        if place and not before:
            return False
        return all(one <= sequence for one in before) and all(one > sequence for one in there)

    async def _find(self, sequence: int) -> int:
        low, high = 0, total_of(await self._page(0, 1))
        while low < high:
            middle = (low + high) // 2
            rows = values_of(await self._page(middle, 1))
            if rows and _number(rows[0]) <= sequence:
                low = middle + 1
            else:
                high = middle
        return low

    async def _page(self, offset: int, limit: int) -> JSON:
        query = {"orderby": SEQUENCE, "limit": str(limit), "offset": str(offset)}
        return await self._client.call("GET", ACTIVITY, Call.READ, query=query)


def _number(item: JSON) -> int:
    number = row_of(item).get(SEQUENCE)
    if number is None and isinstance(item, dict):
        number = key_of(item)
    text = str(number)
    if not text.isdecimal():
        raise Terminal("An activity of the target has no sequence number.")
    return int(text)


def _count(text: str, usual: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else usual
