"""What comes after a try that failed: when an event is tried again, when it makes room, and when it is given up."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple

from hookstation.core.definitions import Fault, Poison, Retry, Work
from hookstation.errors import ActionFailed, Busy, NeedsAuth, Retriable, UnknownOutcome

LONGEST_VALUE: Final = 200
"""Characters of an order value that stand in a key as they are; of a longer one its digest does."""

MOST_DOUBLINGS: Final = 1_000
"""Tries after which a pause has long been as long as it may be; no power of a factor is taken beyond."""


class Step(StrEnum):
    """What becomes of an event whose try failed."""

    AGAIN = "again"
    """It is tried once more, in its place."""
    ASIDE = "aside"
    """It is tried once more, but those behind it pass."""
    PARK = "park"
    """It is tried no more, and stays at the head of its key until a person lets it go."""
    GIVE_UP = "give up"
    """It is tried no more: a dead letter."""


class Next(NamedTuple):
    """What becomes of an event, and in how many seconds where it is tried again. `late`: its time is over."""

    step: Step
    seconds: float = 0.0
    late: bool = False


def pause_after(retry: Retry, tries: int, luck: float) -> float:
    """Seconds to wait after so many failed tries (1 or more). `luck`: a random number from 0 to 1."""
    power = min(tries - 1, MOST_DOUBLINGS)
    try:
        plain = min(retry.first * retry.factor**power, retry.most)
    except OverflowError:
        plain = retry.most
    return plain * (1 + retry.jitter * (2 * luck - 1))


def after_fault(
    work: Work, fault: Fault, tries: int, age: float, luck: float, *, ordered: bool, least: float = 0.0
) -> Next:
    """What comes after the failed try number `tries` of an event that was accepted `age` seconds ago.

    `ordered`: others stand behind it, by their key.  `least`: seconds that the target asked us to wait.
    """
    final = Next(Step.PARK if ordered and work.poison is Poison.HOLD else Step.GIVE_UP)
    if fault not in work.retry.on or tries >= work.retry.attempts:
        return final
    seconds = max(pause_after(work.retry, tries, luck), least)
    if is_over(work, age + seconds):
        return Next(Step.GIVE_UP, late=True)
    if ordered and work.poison is Poison.SKIP and tries >= work.skip_after:
        return Next(Step.ASIDE, seconds)
    return Next(Step.AGAIN, seconds)


def is_over(work: Work, age: float) -> bool:
    """Whether nothing more is tried for an event that was accepted `age` seconds ago."""
    return 0 < work.time <= age


def fault_of(failure: ActionFailed) -> Fault:
    """What kind of failure it was."""
    match failure:
        case NeedsAuth():
            return Fault.CREDENTIALS
        case Busy():
            return Fault.BUSY
        case Retriable():
            return Fault.OFFLINE
        case UnknownOutcome():
            return Fault.UNKNOWN
        case _:
            return Fault.REFUSED


def order_key(webhook: str, value: str) -> str:
    """The key under which events of a webhook with this order value go one after the other; empty for no value."""
    if not value:
        return ""
    return f"{webhook}\n{value if len(value) <= LONGEST_VALUE else sha256(value.encode()).hexdigest()}"
