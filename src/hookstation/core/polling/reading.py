"""The items of what a source answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from hookstation.core.formats.options import read_layout
from hookstation.core.formats.streams import Reader
from hookstation.core.jsontext import parse_json
from hookstation.core.template.paths import Path, PathMistake, read_path
from hookstation.core.values import JSON, kind_of
from hookstation.errors import BodyRefused

MOST_MEMBERS: Final = 1_000_000
MOST_ITEMS: Final = 100_000
"""Items of one answer."""

_ROOT: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
_FEEDS: Final[Mapping[bytes, str]] = {b"rss": "channel", b"feed": "entry", b"RDF": "item"}
"""Root element → the element inside it that has the entries: RSS 2.0, Atom (RFC 4287), RSS 1.0."""


def read_items(format_: str, items: str, body: bytes) -> list[JSON]:
    """The items of an answer. `items`: the path of their list, of XML the name of their element.

    Raises `BodyRefused` naming the place.
    """
    if format_ == "json":
        found = at_path(parse_json(body, members=MOST_MEMBERS).value, path_of(items))
        if not isinstance(found, list):
            where = f"at “{items}”" if items else "as a whole"
            raise BodyRefused(f"The answer is {kind_of(found)} {where}, but must be a list of items there.")
    else:
        options: dict[str, JSON] = {"row": items} if format_ == "xml" and items else {}
        found = _rows(format_, options, body)
    if len(found) > MOST_ITEMS:
        raise BodyRefused(
            f"The answer has {len(found):,} items; at most {MOST_ITEMS:,} are read. Ask for fewer."
        )
    return found


def read_feed(body: bytes) -> list[JSON]:
    """The entries of an RSS or Atom feed, the oldest first, as far as it says when each was published.

    Each has `id`, `title`, `link`, `published` (ISO 8601, ``None`` where it is not said) and `entry`, all that it says.
    Raises `BodyRefused`.
    """
    root = next((name for name in _ROOT.findall(body[:100_000]) if name in _FEEDS), None)
    if root is None:
        raise BodyRefused(
            "The answer is neither an RSS nor an Atom feed: it has no element rss, feed or RDF."
        )
    rows = _rows("xml", {"row": _FEEDS[root]}, body)
    if root == b"rss":
        rows = [
            item for channel in rows if isinstance(channel, dict) for item in _listed(channel.get("item"))
        ]
    entries = [_entry(row) for row in rows if isinstance(row, dict)]
    return sorted(entries, key=lambda one: _text(one.get("published")) if isinstance(one, dict) else "")


def at_path(value: JSON, path: Path) -> JSON:
    """What stands at a path, ``None`` where nothing does."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
            value = value[part]
        else:
            return None
    return value


def path_of(written: str) -> Path:
    """A path as a person wrote it. Raises `BodyRefused`; what was decoded with its poll does not."""
    if not written:
        return ()
    try:
        path, end = read_path(written, 0)
    except PathMistake as mistake:
        raise BodyRefused(f"The path “{written}” cannot be read: {mistake.message}") from None
    if end != len(written):
        raise BodyRefused(f"The path “{written}” cannot be read from its character {end + 1} on.")
    return path


def _rows(format_: str, options: Mapping[str, JSON], body: bytes) -> list[JSON]:
    reader = Reader(read_layout(format_, options))
    return [*reader.feed(body), *reader.close()]


def _listed(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _entry(row: dict[str, JSON]) -> JSON:
    link = _link(row)
    known = _text(row.get("guid")) or _text(row.get("id")) or _text(row.get("@about")) or link
    title = _text(row.get("title"))
    published = _moment(next((found for name in _DATES if (found := _text(row.get(name)))), ""))
    return {
        "id": known or f"{title} {published}",
        "title": title,
        "link": link,
        "published": published,
        "entry": row,
    }


_DATES: Final = ("pubDate", "published", "updated", "date")


def _link(row: Mapping[str, JSON]) -> str:
    """Atom says it in an attribute, of several links the one without a relation or with ``alternate``."""
    for one in _listed(row.get("link")):
        if isinstance(one, dict) and one.get("@rel", "alternate") == "alternate" and "@href" in one:
            return _text(one["@href"])
        if isinstance(one, str):
            return one.strip()
    return ""


def _text(value: JSON) -> str:
    if isinstance(value, dict):
        value = value.get("#text")
    return value.strip() if isinstance(value, str) else ""


def _moment(written: str) -> JSON:
    """RFC 822 as RSS has it, ISO 8601 as Atom has it; in UTC, so that texts sort by time."""
    try:
        found = datetime.fromisoformat(written) if written[:4].isdecimal() else parsedate_to_datetime(written)
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
