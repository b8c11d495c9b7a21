"""Reading what a request of the API asks for; everything wrong is one clear refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from starlette.requests import Request

from hookstation.core.events import State
from hookstation.core.jsontext import parse_json
from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON, kind_of
from hookstation.errors import BodyRefused, Invalid, Problem
from hookstation.ports.store import EventFilter

LARGEST_REQUEST: Final = 32 * 1024 * 1024
READ_AT_ONCE: Final = 64 * 1024
"""Bytes of a body that is read on the event loop; a larger one is read beside it, for that may take seconds."""

MOST_MEMBERS: Final = 2_000_000
DEEPEST: Final = 128
DEFAULT_LIMIT: Final = 50
LARGEST_LIMIT: Final = 1_000

Wanted = TypeVar("Wanted", bool, str, int)
_WORDS: Final = {bool: "true or false", str: "text", int: "a whole number"}
TEXTS: Final = ("webhook", "event_id", "text", "sender", "dedup_key", "record_key")
"""Members of an `EventFilter` that are asked for as they are."""

LONGEST_TEXT: Final = 500
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


async def document(request: Request) -> JSON:
    """The JSON body. Raises `BodyRefused`."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_REQUEST:
            raise BodyRefused(f"The request is larger than {LARGEST_REQUEST} bytes.", status=413)
        chunks.append(chunk)
    body = b"".join(chunks)
    if size <= READ_AT_ONCE:
        return parse_json(body, depth=DEEPEST, members=MOST_MEMBERS).value
    return (await asyncio.to_thread(parse_json, body, depth=DEEPEST, members=MOST_MEMBERS)).value


async def fields(request: Request, *known: str) -> dict[str, JSON]:
    """The members of a JSON object; no body is an empty one. Raises `Invalid` for members that are not known."""
    if request.headers.get("content-length") == "0" or (
        "content-length" not in request.headers and "transfer-encoding" not in request.headers
    ):
        return {}
    body = await document(request)
    if not isinstance(body, dict):
        raise Invalid([Problem((), f"must be an object, but is {kind_of(body)}.")])
    for name in body:
        if name not in known:
            message = f"is not known here; known are {', '.join(known)}.{did_you_mean(name, known)}"
            raise Invalid([Problem((name,), message)])
    return body


def known_parameters(request: Request, known: Collection[str]) -> None:
    """Refuse what nobody reads: a filter that is not known would find everything. Raises `Invalid`.

    An operation that reads none takes any.
    """
    for name in request.query_params if known else ():
        if name not in known:
            message = f"is not known here; known are {', '.join(known)}.{did_you_mean(name, known)}"
            raise Invalid([Problem((name,), message)])


def member(body: dict[str, JSON], name: str, kind: type[Wanted], default: Wanted) -> Wanted:
    """A member of the body, of its kind. Raises `Invalid`."""
    value = body.get(name, default)
    if type(value) is not kind:
        raise Invalid([Problem((name,), f"must be {_WORDS[kind]}, but is {kind_of(value)}.")])
    return value


def limit(request: Request) -> int:
    """How many items of a list are wanted."""
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= LARGEST_LIMIT:
        raise Invalid([Problem(("limit",), f"must be a whole number from 1 to {LARGEST_LIMIT}.")])
    return int(text[:9])


def states(request: Request) -> frozenset[State]:
    """The event states that are asked for: one, or several with commas."""
    return states_in(request.query_params.get("status", ""))


def states_in(text: str) -> frozenset[State]:
    """The event states that a text names. Raises `Invalid`."""
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in set(State):
            known = ", ".join(State)
            raise Invalid(
                [
                    Problem(
                        ("status",),
                        f"“{name[:40]}” is not a state; known are {known}.{did_you_mean(name, list(State))}",
                    )
                ]
            )
    return frozenset(State(name) for name in names)


def events(request: Request, now: int) -> EventFilter:
    """The filter of the journal that is asked for. Raises `Invalid`."""
    texts = {name: request.query_params.get(name, "") for name in TEXTS}
    for name, text in texts.items():
        if len(text) > LONGEST_TEXT:
            raise Invalid([Problem((name,), f"may have {LONGEST_TEXT} characters at most.")])
    return event_filter(
        states=states(request),
        since=moment(request, "since", now),
        until=moment(request, "until", now),
        **texts,
    )


def filter_in(body: dict[str, JSON], now: int) -> EventFilter:
    """The filter of the journal in the member `filter` of a body: its members are those of a list's query."""
    given = member_object(body, "filter")
    known = (*TEXTS, "status", "since", "until")
    asked: dict[str, str] = dict.fromkeys(known, "")
    for name, value in given.items():
        if name not in known or not isinstance(value, str) or len(value) > LONGEST_TEXT:
            message = f"must be a text of at most {LONGEST_TEXT} characters, named one of {', '.join(known)}."
            raise Invalid([Problem(("filter", name), message + did_you_mean(name, known))])
        asked[name] = value
    return event_filter(
        states=states_in(asked.pop("status")),
        since=moment_in("since", asked.pop("since"), now),
        until=moment_in("until", asked.pop("until"), now),
        **asked,
    )


def member_object(body: dict[str, JSON], name: str) -> dict[str, JSON]:
    """A member of the body that is an object. Raises `Invalid`."""
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise Invalid([Problem((name,), f"must be an object, but is {kind_of(value)}.")])
    return value


def member_texts(body: dict[str, JSON], name: str) -> list[str]:
    """A member of the body that is a list of texts. Raises `Invalid`."""
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Invalid([Problem((name,), "must be a list of texts.")])
    return [str(one) for one in value]


def event_filter(**asked: Any) -> EventFilter:
    """A filter that can be asked for. Raises `Invalid` for a text without a word."""
    which = EventFilter(**asked)
    _ = which.needle
    return which


def moment(request: Request, name: str, now: int) -> int:
    """The parameter `name`, a moment: ISO 8601 (UTC where it has no zone), or a time ago like ``15m``, ``24h``, ``7d``.

    Microseconds since the epoch, like `now`; 0 where it is not given. Raises `Invalid`.
    """
    return moment_in(name, request.query_params.get(name, ""), now)


def moment_in(name: str, text: str, now: int) -> int:
    """The moment that a text says, as `moment`. Raises `Invalid`, naming `name`."""
    if not text:
        return 0
    unit = _UNITS.get(text[-1])
    try:
        if unit and text[:-1].isdecimal():
            ago = int(timedelta(**{unit: int(text[:-1])}).total_seconds() * 1_000_000)
            return max(now - ago, 1)  # what lies far before 1970 is more than a database counts
        moment = datetime.fromisoformat(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(zoned.timestamp() * 1_000_000)
    except (ValueError, OverflowError) as failure:
        message = "must be a moment like 2026-11-22T09:30:00Z, or a time ago like 15m, 24h or 7d."
        raise Invalid([Problem((name,), message)]) from failure
