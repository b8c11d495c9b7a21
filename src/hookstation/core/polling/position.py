"""Up to where a source was read: kept in the poll's job, and moved in the transaction that takes the items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final

import msgspec

from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.polling.definitions import FeedSource, HttpSource, Poll, QuerySource, Source
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused


class Position(msgspec.Struct, frozen=True):
    """How a poll stands.

    `rule`: a digest of its definition.  `source`: a digest of what its source is; another source begins anew.  `at`:
    what its source remembers, JSON text, empty before the first turn.  `seen`: digests of keys that came already where
    `at` alone does not say so, the newest last.  `failures`: turns in a row that failed.  `asked_at`: microseconds.
    `first`: with what it begins anew, where a person said so: ``now``, ``everything``, or a date.  `not_before`:
    microseconds, before which its source has asked not to be asked again.
    """

    rule: str
    source: str = ""
    at: str = ""
    seen: tuple[str, ...] = ()
    failures: int = 0
    asked_at: int = 0
    first: str = ""
    not_before: int = 0

    @property
    def begun(self) -> bool:
        """Whether its source was ever read."""
        return bool(self.at)

    def value(self) -> dict[str, JSON]:
        """What its source remembers."""
        if not self.at:
            return {}
        found = parse_json(self.at.encode()).value
        return found if isinstance(found, dict) else {}


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Position).decode


def write_position(position: Position) -> str:
    """The payload of the poll's job."""
    return _encode(position).decode()


def read_position(payload: str, poll: Poll) -> Position:
    """What a job says; of another source, and of a damaged one, nothing is known."""
    source = source_digest(poll.source)
    try:
        found = _decode(payload)
        found.value()
    except (msgspec.DecodeError, BodyRefused):
        return Position("", source)
    return found if found.source in ("", source) else Position(found.rule, source)


def moved(position: Position, at: Mapping[str, JSON], seen: Iterable[str]) -> Position:
    """The position after a turn."""
    kept = tuple(dict.fromkeys(seen))
    return msgspec.structs.replace(
        position, at=dump_json(dict(at)), seen=kept, failures=0, first="", not_before=0
    )


def source_digest(source: Source) -> str:
    """A digest of which source it is: its kind and the place that it asks, not how it is asked.

    A statement that is worded anew, or another parameter in the query of an address, is the same source.
    """
    places = ("connection", "table", "watermark", "folder", "cursor")
    said = [type(source).__name__, *(repr(getattr(source, name, "")) for name in places)]
    match source:
        case HttpSource() | FeedSource():
            said += [source.url.partition("?")[0], source.path.partition("?")[0]]
        case QuerySource():
            said.append(source.query)
        case _:
            pass
    return blake2b("\0".join(said).encode(), digest_size=12).hexdigest()


def rule_digest(poll: Poll) -> str:
    """A digest of all that decides when and what it asks."""
    said = (poll.source, poll.every, poll.first, poll.since, poll.most, poll.key, poll.state)
    return blake2b(repr(said).encode(), digest_size=12).hexdigest()


def key_digest(key: str) -> str:
    """What is remembered of an item's key."""
    return blake2b(key.encode(), digest_size=8).hexdigest()
