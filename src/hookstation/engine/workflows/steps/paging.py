"""All pages of an HTTP interface, by the rule that a step names."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from hookstation.core.jsontext import parse_json
from hookstation.core.template.paths import Path, PathMistake, read_path
from hookstation.core.template.scope import element, text_of
from hookstation.core.values import JSON
from hookstation.engine.workflows.steps.reading import MOST_ROWS, text, whole
from hookstation.errors import BodyRefused, Terminal
from hookstation.ports.api import ApiAnswer, ApiCall

_NEXT: Final = re.compile(r'<([^<>]{1,4000})>\s*;[^,<]*\brel\s*=\s*"?next"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Paging:
    """How the next page is found: see `core.workflows.catalog.calls.PAGES`."""

    rule: str
    items: Path
    path: Path
    parameter: str
    first: int
    step: int
    most: int

    @classmethod
    def of(cls, written: JSON) -> Paging | None:
        """The rule that a setting writes down, ``None`` where it is left out."""
        if not isinstance(written, dict):
            return None
        return cls(
            text(written, "type"),
            path_in(text(written, "items")),
            path_in(text(written, "path")),
            text(written, "parameter", "page" if written.get("type") == "page" else "cursor"),
            whole(written, "first", 1),
            whole(written, "step", 1),
            whole(written, "most", 100),
        )


async def all_items(
    send: Callable[[ApiCall], Awaitable[ApiAnswer]], call: ApiCall, paging: Paging
) -> list[JSON]:
    """The items of every page. Raises `Terminal` for what is no list, too many items or too many pages."""
    found: list[JSON] = []
    asked = with_parameter(call, paging.parameter, str(paging.first)) if paging.rule == "page" else call
    for number in range(paging.most):
        answer = await send(asked)
        body = _read(answer.body)
        items = at_path(body, paging.items)
        if not isinstance(items, list):
            raise Terminal(f"Page {number + 1} has no list where “items” says; correct the path.")
        found += items
        if len(found) > MOST_ROWS:
            raise Terminal(f"More than {MOST_ROWS} items came. Ask for fewer, or use a transfer.")
        next_one = following(asked, paging, answer, body, number) if items else None
        if next_one is None:
            return found
        asked = next_one
    raise Terminal(f"There are more than {paging.most} pages. Raise “most”, or ask for fewer items.")


def following(call: ApiCall, paging: Paging, answer: ApiAnswer, body: JSON, number: int) -> ApiCall | None:
    """The call for the page behind this one, which is the page with `number`, from 0 on; ``None`` behind the last."""
    if paging.rule == "page":
        return with_parameter(call, paging.parameter, str(paging.first + (number + 1) * paging.step))
    if paging.rule == "cursor":
        cursor = at_path(body, paging.path)
        return (
            with_parameter(call, paging.parameter, text_of(cursor))
            if cursor not in (None, "", False)
            else None
        )
    if paging.path:
        link = at_path(body, paging.path)
    else:
        shown = _NEXT.search(answer.headers.get("link", ""))
        link = shown[1] if shown else None
    return _linked(call, text_of(link)) if link else None


def _linked(call: ApiCall, link: str) -> ApiCall:
    """The call of a link; one that leads to another host is refused, since it would take our credentials there."""
    was = urlsplit(call.path)
    if not was.netloc:
        return replace(call, link=link)  # the connection knows its own address
    parts = urlsplit(urljoin(call.path, link))
    if parts.netloc != was.netloc:
        raise Terminal("The next page is on another host; it is not called.")
    path = f"{was.scheme}://{was.netloc}{parts.path}"
    return replace(call, path=path, query=tuple(parse_qsl(parts.query, keep_blank_values=True)))


def with_parameter(call: ApiCall, name: str, value: str) -> ApiCall:
    """The call with this parameter of its query, in place of what it had."""
    return replace(call, query=(*(pair for pair in call.query if pair[0] != name), (name, value)))


def _read(body: bytes) -> JSON:
    try:
        return parse_json(body, members=10_000_000).value
    except BodyRefused as refused:
        raise Terminal(f"A page is not JSON: {refused.reason}") from refused


def path_in(written: str) -> Path:
    """A path as a person wrote it. Raises `Terminal`."""
    if not written:
        return ()
    try:
        path, end = read_path(written, 0)
    except PathMistake as mistake:
        raise Terminal(f"The path “{written}” cannot be read: {mistake.message}") from None
    if end != len(written):
        raise Terminal(f"The path “{written}” cannot be read from its character {end + 1} on.")
    return path


def at_path(body: JSON, path: Path) -> JSON:
    """What stands there, ``None`` where nothing does."""
    value: JSON = body
    for part in path:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int):
            found = element(value, part)
            value = None if not isinstance(found, (dict, list, str, int, bool, type(None))) else found
        else:
            return None
    return value
