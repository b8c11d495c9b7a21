"""The pages of an interface: where the items of one stand, and how the next one is asked for (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hookstation.core.values import JSON
from hookstation.errors import Terminal
from hookstation.ports.api import ApiAnswer, ApiCall

MOST_PAGES: Final = 100_000
"""A system that always says that there is one more page is left then."""

NONE: Final = "none"
_LINK: Final = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT: Final = re.compile(r";\s*rel\s*=\s*(?:\"[^\"]*\bnext\b[^\"]*\"|next\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Paging:
    """A rule. `type`: ``none``, ``next_link``, ``page``, ``offset`` or ``cursor``; `items`: the path of the items.

    `field`: the path of the next link or cursor; for a link empty where it stands in the header ``Link`` (RFC 8288).
    `parameter`: what carries page, offset or cursor; `size_parameter`: what carries `size`, the items of a page.
    """

    type: str = NONE
    items: str = ""
    field: str = ""
    parameter: str = ""
    first: int = 1
    size_parameter: str = ""
    size: int = 100


def first_call(paging: Paging, call: ApiCall) -> ApiCall:
    """The call of the first page; what the caller says of page and size himself counts."""
    given = dict(call.query)
    wanted: dict[str, str] = {}
    if paging.size_parameter and paging.size_parameter not in given:
        wanted[paging.size_parameter] = str(paging.size)
    if paging.type in ("page", "offset") and paging.parameter not in given:
        wanted[paging.parameter] = str(paging.first if paging.type == "page" else 0)
    return replace(call, query=(*call.query, *wanted.items()))


def items_of(paging: Paging, document: JSON) -> Sequence[JSON]:
    """The items of a page. Raises `Terminal` where there is no list: that must not be taken for an empty page."""
    found = at(document, paging.items)
    if isinstance(found, list):
        return found
    if found is None and paging.items and isinstance(document, dict):
        return []
    where = f"at “{paging.items}” there is no list" if paging.items else "the answer is no list"
    raise Terminal(
        f"The items of the page cannot be found: {where}. Correct `pages.items` in the connection."
    )


def next_call(paging: Paging, call: ApiCall, answer: ApiAnswer, document: JSON, count: int) -> ApiCall | None:
    """The call of the page after this one, ``None`` where it is the last.

    `count`: the items of this page.

    Pages by number and by offset end with an empty page: one that is shorter than asked for may be followed by more,
    since systems cut pages to their own largest size.
    """
    match paging.type:
        case "next_link":
            link = at(document, paging.field) if paging.field else _link_header(answer.headers)
            return _linked(call, link)
        case "cursor":
            cursor = at(document, paging.field)
            if cursor is None or cursor == "" or isinstance(cursor, bool | list | dict):
                return None
            return _with(call, paging.parameter, str(cursor))
        case "page" if count:
            return _with(call, paging.parameter, str(_number(call, paging.parameter) + 1))
        case "offset" if count:
            return _with(call, paging.parameter, str(_number(call, paging.parameter) + count))
    return None


def at(document: JSON, path: str) -> JSON:
    """What stands at a path of names and positions with dots between, ``None`` where nothing does."""
    for part in path.split(".") if path else ():
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def _link_header(headers: Mapping[str, str]) -> str:
    found = _LINK.findall(headers.get("link", ""))
    return next((link for link, parameters in found if _NEXT.search(parameters)), "")


def _linked(call: ApiCall, link: JSON) -> ApiCall | None:
    """The call of a link; the connector reads it as seen from the page that it is on."""
    return replace(call, link=link) if isinstance(link, str) and link else None


def _with(call: ApiCall, name: str, value: str) -> ApiCall:
    return replace(call, query=(*(pair for pair in call.query if pair[0] != name), (name, value)))


def _number(call: ApiCall, name: str) -> int:
    text = dict(call.query).get(name, "0")
    return int(text) if text.isdecimal() else 0
