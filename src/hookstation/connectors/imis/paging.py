"""All pages of a list, so that none of its rows is missed although the list changes while it is read.

Pages are asked for by the number of rows that really came, whatever the target says of the next one, and each begins
with the last row of the page before.  Where that row is not there, rows before it were taken away or added: then the
reader goes back until it finds what it has read, and on from there.  A row may come twice, none is passed over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Final

from hookstation.connectors.imis.values import unwrap
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.errors import Retriable, Terminal

PAGE: Final = 100
MOST_BACK: Final = 20
"""Pages that are looked through backwards for what was read last."""

Ask = Callable[[int, int], Awaitable[JSON]]
"""Gives the page from an offset on, of at most so many rows."""


async def walk(ask: Ask, size: int = PAGE, start: int = 0) -> AsyncIterator[Sequence[JSON]]:
    """The new rows of each page.

    Raises what `ask` raises, `Terminal` for what is no page, and `Retriable` where the list changes faster than it can
    be read.
    """
    page = await ask(start, size)
    rows, offset = values_of(page), start
    yield rows
    fresh = 0
    while unwrap(page.get("HasNext") if isinstance(page, dict) else None) is True:
        if not rows[fresh:]:
            raise Retriable("The target says that there are more rows, but sends none.")
        known, offset = [_mark(row) for row in rows], offset + len(rows) - 1
        page, offset, fresh = await _go_on(ask, size, offset, known)
        rows = values_of(page)
        yield rows[fresh:]


async def _go_on(ask: Ask, size: int, offset: int, known: Sequence[bytes]) -> tuple[JSON, int, int]:
    """A page with rows that are known: the page, its offset, and how many of its rows are known already."""
    for step in range(MOST_BACK + 1):
        begin = max(offset - step * max(size - 1, 1), 0)
        page = await ask(begin, max(size, 2))
        marks = [_mark(row) for row in values_of(page)]
        found = _known_until(marks, known, anywhere=step > 0)
        if found:
            return page, begin, found
        if begin == 0:
            break
    raise Retriable("The list changes faster than it can be read; nothing was changed by reading it.")


def _known_until(marks: Sequence[bytes], known: Sequence[bytes], *, anywhere: bool) -> int:
    """How many rows from the page's first on were read: up to the last row that was, or to another of its page."""
    if known[-1] in marks:
        return marks.index(known[-1]) + 1
    if not anywhere:
        return 0
    held = set(known)
    return max((position + 1 for position, mark in enumerate(marks) if mark in held), default=0)


def values_of(page: JSON) -> list[JSON]:
    """The rows of a page. Raises `Terminal` for what is no page: it must not be taken for an empty one."""
    held = page.get("Items") if isinstance(page, dict) and "Items" in page else page
    values = held.get("$values") if isinstance(held, dict) else held
    if not isinstance(values, list):
        raise Terminal("The target's answer to a search cannot be understood.")
    return values


def total_of(page: JSON) -> int:
    """How many rows the whole list has. Raises `Terminal` where the page does not say."""
    total = unwrap(page.get("TotalCount")) if isinstance(page, dict) else None
    if not isinstance(total, int) or isinstance(total, bool):
        raise Terminal("The target does not say how many rows there are (TotalCount).")
    return total


def _mark(row: JSON) -> bytes:
    """What tells one row from another: its key, or all that it holds."""
    identity = row.get("Identity") if isinstance(row, dict) else None
    elements = identity.get("IdentityElements") if isinstance(identity, dict) else None
    return sha256(dump_json(elements or row).encode("utf-8", "surrogatepass")).digest()[:12]
