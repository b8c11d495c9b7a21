"""HTTP APIs and feeds as sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

from hookstation.core.polling.definitions import CursorKind, FeedSource, HttpSource
from hookstation.core.polling.position import key_digest
from hookstation.core.polling.reading import MOST_ITEMS, at_path, path_of, read_feed, read_items
from hookstation.core.polling.turns import Asked, Found, Item, beyond, check_since, is_before, rank, unseen
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON
from hookstation.engine.polls.calling import MOST_PAGES, NOT_MODIFIED, Caller, call_of
from hookstation.engine.polls.keys import Keys
from hookstation.errors import BodyRefused, Terminal
from hookstation.ports.api import ApiAnswer, ApiCall

BEGUN: Final[Mapping[str, JSON]] = {"begun": True}


async def ask_http(source: HttpSource, keys: Keys, asked: Asked, caller: Caller) -> Found:
    """One turn with an HTTP API. Raises `ActionFailed`."""
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
    items = [keys.item(one, _id(one)) for one in entries]
    old = [key_digest(one.key) for one in items if _is_before(one.value, asked.since)]
    return unseen(items, replace(asked, seen=[*asked.seen, *old]), {**BEGUN, **_validators(answer)})


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
        check_since(growing, asked)
        if not asked.at and asked.since and rank(growing) < rank(asked.since):
            continue
        if asked.until is None or rank(growing) <= rank(asked.until):
            ranked.append((growing, keys.item(value)))
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
            items += [keys.item(value) for value in values]
            if not values:
                break
    return unseen(items, asked, {**BEGUN, **(validators if changed else {})})


async def _by_page(source: HttpSource, keys: Keys, asked: Asked, caller: Caller) -> Found:
    """From the page on that was read last, which is asked again: it may have been filled up since.

    An empty page is not gone to, for the same reason: what comes next may stand on the one before it.
    """
    at, seen = dict(asked.at) or dict(BEGUN), list(asked.seen)
    taken: list[Item] = []
    call = _resumed(call_of(source, {}, {}), asked.at)
    async with aclosing(caller.pages(source.connection, call, source.cursor)) as pages:
        async for page in pages:
            values = _items(source, page.answer)
            if not values:
                break
            known = seen if page.number == 0 else ()
            at = {
                **BEGUN,
                "path": page.call.path,
                "query": urlencode(page.call.query),
                "link": page.call.link,
            }
            here = Asked(at, known, asked.most - len(taken), asked.baseline)
            found = unseen([keys.item(value) for value in values], here, at)
            taken += found.items
            seen = list(found.seen)
            if found.more or (page.next is not None and _is_enough(page.number, len(taken), asked)):
                return Found(taken, at, seen, more=True)
    return Found(taken, at, seen)


def _is_enough(number: int, taken: int, asked: Asked) -> bool:
    """Whether the rest is for the next turn; a beginning from now on goes through to the end."""
    return taken >= asked.most or (number + 1 >= MOST_PAGES and not asked.baseline)


def _resumed(call: ApiCall, at: Mapping[str, JSON]) -> ApiCall:
    """The call of the page that was read last."""
    path, query, link = at.get("path"), at.get("query"), at.get("link")
    if not isinstance(path, str) or not isinstance(query, str):
        return call
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    return replace(call, path=path, query=pairs, link=link if isinstance(link, str) else "")


async def _all(source: HttpSource, caller: Caller, call: ApiCall) -> list[JSON]:
    found: list[JSON] = []
    async with aclosing(caller.pages(source.connection, call, source.pages)) as pages:
        async for page in pages:
            values = _items(source, page.answer)
            found += values
            if len(found) > MOST_ITEMS:
                raise Terminal(
                    f"More than {MOST_ITEMS:,} items came. Ask for fewer: send the cursor as a parameter."
                )
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
    """What tells this state of the source from others.

    A moment does so only where it lies before the second in which the answer was made (RFC 9110, 8.8.2.2): within that
    second something may still have been added.
    """
    if "etag" in answer.headers:
        return {"etag": answer.headers["etag"]}
    modified, made = _moment(answer, "last-modified"), _moment(answer, "date")
    if modified is None or made is None or modified >= made:
        return {}
    return {"modified": answer.headers["last-modified"]}


def _moment(answer: ApiAnswer, header: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(answer.headers.get(header, ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _id(entry: JSON) -> str:
    return str(entry["id"]) if isinstance(entry, dict) else ""


def _is_before(entry: JSON, since: str) -> bool:
    published = entry.get("published") if isinstance(entry, dict) else None
    return is_before(published, since)
