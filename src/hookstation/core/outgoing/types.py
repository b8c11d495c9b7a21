"""The types of events that go out: names in words joined by dots, the station's own ones, and patterns over them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from hookstation.core.nearest import did_you_mean
from hookstation.core.values import JSON
from hookstation.errors import Problem

ANYTHING: Final = "*"
LONGEST: Final = 128
"""Characters of a type and of a pattern."""

INBOUND: Final = "inbound"
"""The first word of the types of what webhooks receive; the webhook's name is the second."""

_WORD: Final = "[a-z0-9_-]+"
_TYPE: Final = re.compile(rf"{_WORD}(?:\.{_WORD})*+")
_PATTERN: Final = re.compile(rf"(?:{_WORD}|\*)(?:\.(?:{_WORD}|\*))*+")
_ALLOWED: Final = "words of lower-case letters, digits, “_” and “-”, joined by dots"

_SOURCE: Final[JSON] = {"id": "01KAP2M8C0EXAMPLE000000000", "webhook": "course-completions"}
_RECORD: Final[JSON] = {"connection": "records", "entity": "Activity", "key": "1042"}
_WRITTEN: Final[JSON] = {
    "record": _RECORD,
    "fields": {"ID": "23", "ACTIVITY_TYPE": "COURSE", "TRANSACTION_DATE": "2026-11-22T09:30:00"},
    "source": _SOURCE,
}
_RUN: Final[JSON] = {
    "id": "01KAP2M8C0EXAMPLE000000002",
    "workflow": "course-completed",
    "version": 3,
    "trigger": "webhook:course-completions",
}
_REFUSED: Final[JSON] = {"connection": {"name": "imis", "type": "imis"}, "why": "The user name is refused."}
_RESTED: Final[JSON] = {
    "destination": {"name": "lms"},
    "why": "Too many attempts failed, the last one: no answer in time. It rests, then one delivery is tried.",
}


@dataclass(frozen=True, slots=True)
class OwnType:
    """A type of the station's own events. `said` is a sentence for people, `sample` a payload as they have it."""

    name: str
    said: str
    sample: JSON


OWN_TYPES: Final = (
    OwnType("record.inserted", "A record was written that was not there before.", _WRITTEN),
    OwnType("record.updated", "A record that was there was changed.", _WRITTEN),
    OwnType(
        "event.succeeded",
        "What a webhook received was done.",
        {"source": _SOURCE, "state": "succeeded", "record": _RECORD},
    ),
    OwnType(
        "event.failed",
        "What a webhook received was not done, and is not tried again.",
        {"source": _SOURCE, "state": "failed", "reason": "target", "error": "The member 23 is not there."},
    ),
    OwnType(
        "event.unknown",
        "What a webhook received was sent on, but whether it was done is not known.",
        {"source": _SOURCE, "state": "unknown", "reason": "outcome", "error": "No answer came in time."},
    ),
    OwnType(
        "event.held",
        "What a webhook received is kept until its target works again or a person decides.",
        {"source": _SOURCE, "state": "held", "reason": "away", "error": "The target is off-line."},
    ),
    OwnType("connection.refused", "A target refuses the credentials of a connection.", _REFUSED),
    OwnType(
        "connection.recovered",
        "A connection that was refused works again.",
        {"connection": {"name": "imis", "type": "imis"}, "why": ""},
    ),
    OwnType(
        "delivery.dead",
        "A delivery has used up its attempts, or its destination is gone.",
        {
            "id": "01KAP2M8C0EXAMPLE000000001",
            "type": "record.inserted",
            "destination": "lms",
            "subscription": "lms-courses",
            "attempts": 11,
            "status": 503,
            "trouble": "busy",
            "error": "The destination answered 503.",
        },
    ),
    OwnType("destination.opened", "A destination fails so often that it is given a rest.", _RESTED),
    OwnType(
        "destination.closed",
        "A destination that had a rest works again.",
        {"destination": {"name": "lms"}, "why": "A delivery has arrived."},
    ),
    OwnType(
        "destination.disabled",
        "A destination is gone (410), or nothing but failures came from it for days: nothing is sent to it any more.",
        {"destination": {"name": "lms"}, "why": "The receiver answered 410: it wants no more deliveries."},
    ),
    OwnType(
        "run.succeeded", "A run of a workflow or a transfer has reached its end.", {"run": _RUN, "error": ""}
    ),
    OwnType(
        "run.failed",
        "A run of a workflow or a transfer has failed.",
        {"run": _RUN, "error": "The step “insert” failed: the member 23 is not there."},
    ),
    OwnType(
        "run.unknown",
        "A run waits for a person to say whether one of its steps had its effect.",
        {"run": _RUN, "error": "No answer came in time to the step “order”."},
    ),
    OwnType(
        "approval.asked",
        "A run waits for a person's approval.",
        {"run": _RUN, "step": "approve", "person": "ann@example.org", "message": "Refund 120 EUR?"},
    ),
    OwnType(
        "schedule.disabled",
        "A schedule was switched off because what it starts failed too often in a row.",
        {
            "schedule": {"name": "nightly"},
            "failures": 5,
            "why": "The step “fetch” failed: the host was not found.",
        },
    ),
    OwnType(
        "poll.failed",
        "A polling webhook could not ask its source.",
        {"poll": {"name": "lms-feed"}, "failures": 1, "why": "The source answered 503."},
    ),
    OwnType(
        "poll.recovered",
        "A polling webhook that could not ask its source can again.",
        {"poll": {"name": "lms-feed"}, "failures": 0, "why": ""},
    ),
    OwnType(
        "test", "A person asked for a test.", {"message": "A test of Hookstation.", "by": "ann@example.org"}
    ),
)
OWN_NAMES: Final = tuple(one.name for one in OWN_TYPES)
OWN_WORDS: Final = frozenset({INBOUND, *(name.partition(".")[0] for name in OWN_NAMES)})
"""First words of types that only the station itself raises."""


def inbound_type(webhook: str) -> str:
    """The type of what this webhook receives."""
    return f"{INBOUND}.{webhook}"


def raised_type_refused(name: str) -> str:
    """Why nobody but the station may raise events of this type; empty where anybody may."""
    if len(name) > LONGEST or not _TYPE.fullmatch(name):
        return f"“{name[:60]}” is not a type; write {_ALLOWED}, {LONGEST} characters at most, such as order.paid."
    first = name.partition(".")[0]
    if first in OWN_WORDS:
        return f"Types that begin with “{first}” are the station's own; begin with another word, such as order.paid."
    return ""


def pattern_problem(pattern: str) -> Problem | None:
    """What is wrong with a pattern of types, or ``None``."""
    if len(pattern) > LONGEST or not _PATTERN.fullmatch(pattern):
        return Problem(
            (),
            f"“{pattern[:60]}” is not a type of event; write {_ALLOWED}, “*” for any one word, at the end for one or "
            f"more words, {LONGEST} characters at most.{did_you_mean(pattern, OWN_NAMES)}",
        )
    first, _, rest = pattern.partition(".")
    if first not in OWN_WORDS:
        return None
    if first == INBOUND:
        message = "“inbound” is no type by itself; write inbound.* or inbound.<name of a webhook>."
        return None if rest else Problem((), message)
    if not any(map(matcher([pattern]), OWN_NAMES)):
        known = ", ".join(name for name in OWN_NAMES if name.partition(".")[0] == first)
        return Problem(
            (),
            f"there is no type “{pattern}”; with “{first}” begin {known}.{did_you_mean(pattern, OWN_NAMES)}",
        )
    return None


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A function that says whether a type fits one of these patterns."""
    written = frozenset(patterns)
    if ANYTHING in written:
        return lambda _type: True
    exact = frozenset(one for one in written if ANYTHING not in one.split("."))
    wild = "|".join(_expression(one) for one in sorted(written - exact))
    fits = re.compile(wild).fullmatch if wild else None
    return lambda type_: type_ in exact or (fits is not None and fits(type_) is not None)


def _expression(pattern: str) -> str:
    *words, last = pattern.split(".")
    parts = [_WORD if word == ANYTHING else re.escape(word) for word in words]
    parts.append(rf"{_WORD}(?:\.{_WORD})*+" if last == ANYTHING else re.escape(last))
    return rf"(?:{'[.]'.join(parts)})"
