"""An attempt as pages show it: what was sent, what came back, and what took how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hookstation.core.outgoing.values import NO_TIMING, DeliveryAttempt, Trouble
from hookstation.ports.store import Payload
from hookstation.web.pages.events import Body, body_of
from hookstation.web.pages.outgoing.words import ADVICE, PARTS, TROUBLES

INSIDE: Final = frozenset({Trouble.MAPPING, Trouble.PROXY, Trouble.CREDENTIALS, Trouble.ADDRESS})
"""Troubles whose sentence tells of the station's own configuration: guests get the class alone."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the time that an attempt took. `start` and `width` in per cent of the whole."""

    name: str
    took: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt. `trouble` is its class of error in words, `advice` what to do about it; `error` is a sentence."""

    one: DeliveryAttempt
    parts: tuple[Part, ...]
    sent: Body | None
    answer: Body | None
    trouble: str
    advice: str
    error: str

    @property
    def good(self) -> bool:
        """Whether it delivered."""
        return self.one.trouble is Trouble.NONE


def tried(one: DeliveryAttempt, *, guest: bool = False) -> Tried:
    """An attempt, ready to be shown; to a `guest` without what is the station's own."""
    inner = guest and one.trouble in INSIDE
    return Tried(
        one,
        parts(one),
        _body(one.body),
        _body(one.answer),
        TROUBLES.get(one.trouble, ""),
        "" if guest else ADVICE.get(one.trouble, ""),
        "" if inner else one.error,
    )


def parts(one: DeliveryAttempt) -> tuple[Part, ...]:
    """The parts of its time that were measured, one after the other, and what is left for the answer."""
    whole = one.timing.total
    if whole <= 0:
        return ()
    found: list[Part] = []
    start = 0
    for name, words in PARTS:
        took: int = getattr(one.timing, name)
        if took != NO_TIMING:
            found.append(_part(words, took, start, whole))
            start += took
    if one.status and whole > start:
        found.append(_part("reading the answer", whole - start, start, whole))
    return tuple(found)


def _part(name: str, took: int, start: int, whole: int) -> Part:
    return Part(
        name, took, round(100 * min(start, whole) / whole, 2), round(100 * min(took, whole) / whole, 2)
    )


def _body(raw: bytes) -> Body | None:
    """A body for people; what was cut off is not parsed, so that it stands as it is."""
    return body_of(Payload("", raw)) if raw else None
