"""HTTP APIs and feeds as sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Final
from urllib.parse import parse_qsl, urlencode

from hookstation.core.polling.definitions import CursorKind, FeedSource, HttpSource
from hookstation.core.polling.reading import at_path, path_of, read_feed, read_items
from hookstation.core.polling.turns import Asked, Found, Item, beyond, rank, unseen
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON
from hookstation.engine.polls.calling import NOT_MODIFIED, Caller, call_of
from hookstation.engine.polls.keys import Keys
from hookstation.errors import BodyRefused, Terminal
from hookstation.ports.api import ApiAnswer, ApiCall

BEGUN: Final[Mapping[str, JSON]] = {"begun": True}


async def ask_http(source: HttpSource, keys: Keys, asked: Asked, caller: Caller) -> Found:
    """One turn with an HTTP API. Raises `ActionFailed`, `MappingFailed`."""
    kind = source.cursor.kind if source.cursor else None
    if kind is CursorKind.FIELD:
        return await _by_field(source, keys, asked, caller)
    if kind in (CursorKind.NEXT_LINK, CursorKind.PAGE, CursorKind.CURSOR):
        return await _by_page(source, keys, asked, caller)
    return await _by_change(source, keys, asked, caller)


async def ask_feed(source: FeedSource, keys: Keys, asked: Asked, caller: Caller) -> Found:
    """One turn with a feed: its entries that were not there the last time. Raises `ActionFailed`."""
    answer = await caller.send(source.connection, call_of(source, {}, _conditions(asked)))
    if answer.status == NOT_MODIFIED:
        return Found((), asked.at, asked.seen)
    try:
        entries = read_feed(answer.body)
    except BodyRefused as refused:
        raise Terminal(refused.reason) from refused
    items = [Item(keys.of(one, _id(one)), one) for one in entries if not _is_before(one, asked.since)]
    return unseen(items, asked, {**BEGUN, **_validators(answer)})


async def _by_field(source: HttpSource, keys: Keys, asked: Asked, caller: Caller) -> Found:
    cursor = source.cursor
    assert cursor is not None
    last = asked.at.get("value", asked.since or None)
    more = {cursor.parameter: text_of(last)} if cursor.parameter and last is not None else {}
    values = await _all(source, caller, call_of(source, more, {}))
    path = path_of(cursor.field)
    ranked: list[tuple[JSON, Item]] = []
    for number, value in enumerate(values):
        growing = at_path(value, path)
        if growing is None or isinstance(growing, (dict, list)):
            raise Terminal(
                f"Item {number + 1} has no “{cursor.field}” that grows; correct the field, or poll without a cursor."
            )
        if not asked.at and asked.since and rank(growing) < rank(asked.since):
            continue
        if asked.until is None or rank(growing) <= rank(asked.until):
            ranked.append((growing, Item(keys.of(value), value)))
    return beyond(ranked, asked)


async def _by_change(source: HttpSource, keys: Keys, asked: Asked, caller: Caller) -> Found:
    """Everything that the source has, unless it says that nothing has changed."""
    changed = source.cursor is not None and source.cursor.kind is CursorKind.CHANGED
    call = call_of(source, {}, _conditions(asked) if changed else {})
    items: list[Item] = []
    validators: dict[str, JSON] = {}
    async with aclosing(caller.pages(source.connection, call, source.pages)) as pages:
        async for page in pages:
            if page.answer.status == NOT_MODIFIED:
                return Found((), asked.at, asked.seen)
            validators = validators or _validators(page.answer)
            values = _items(source, page.answer)
            items += [Item(keys.of(value), value) for value in values]
            if not values:
                break
    return unseen(items, asked, {**BEGUN, **(validators if changed else {})})


async def _by_page(source: HttpSource, keys: Keys, asked: Asked, caller: Caller) -> Found:
    """From the page on that was read last; a page counts as read when all of its items came."""
    cursor, at, seen = source.cursor, dict(asked.at) or dict(BEGUN), list(asked.seen)
    taken: list[Item] = []
    call = call_of(source, {}, {})
    if isinstance(query := asked.at.get("query"), str) and isinstance(path := asked.at.get("path"), str):
        call = ApiCall(
            "GET", path, tuple(parse_qsl(query, keep_blank_values=True)), call.headers, timeout=call.timeout,
            largest_answer=call.largest_answer,
        )  # fmt: skip
    async with aclosing(caller.pages(source.connection, call, cursor)) as pages:
        async for page in pages:
            values = _items(source, page.answer)
            here = Asked(at, seen, asked.most - len(taken), asked.baseline)
            found = unseen([Item(keys.of(value), value) for value in values], here, at)
            taken += found.items
            seen = list(found.seen)
            if found.more:
                return Found(taken, at, seen, more=True, left=found.left)
            if page.next is None or not values:
                break
            at, seen = {**BEGUN, "path": page.next.path, "query": urlencode(page.next.query)}, []
            if len(taken) >= asked.most:
                return Found(taken, at, seen, more=True)
    return Found(taken, at, seen)


async def _all(source: HttpSource, caller: Caller, call: ApiCall) -> list[JSON]:
    found: list[JSON] = []
    async with aclosing(caller.pages(source.connection, call, source.pages)) as pages:
        async for page in pages:
            values = _items(source, page.answer)
            found += values
            if not values:
                break
    return found


def _items(source: HttpSource, answer: ApiAnswer) -> Sequence[JSON]:
    try:
        return read_items(source.format, source.items, answer.body) if answer.body else []
    except BodyRefused as refused:
        raise Terminal(refused.reason) from refused


def _conditions(asked: Asked) -> dict[str, str]:
    """The headers by which the source may say that nothing has changed (RFC 9110, 13.1)."""
    named = {"etag": "If-None-Match", "modified": "If-Modified-Since"}
    return {header: str(asked.at[name]) for name, header in named.items() if name in asked.at}


def _validators(answer: ApiAnswer) -> dict[str, JSON]:
    named = {"etag": "etag", "modified": "last-modified"}
    return {name: answer.headers[header] for name, header in named.items() if header in answer.headers}


def _id(entry: JSON) -> str:
    return str(entry["id"]) if isinstance(entry, dict) else ""


def _is_before(entry: JSON, since: str) -> bool:
    published = entry.get("published") if isinstance(entry, dict) else None
    return bool(since) and isinstance(published, str) and published < since
