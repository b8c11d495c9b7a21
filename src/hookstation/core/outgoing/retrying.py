"""What follows from an attempt: the delivery is done, is tried again after a while, or is dead."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_tz
from typing import Final, TypeAlias

from hookstation.core.outgoing.definitions import RetryPlan
from hookstation.core.outgoing.values import Trouble

SECOND: Final = 1_000_000
LONGEST_WISH: Final = 86_400.0
"""Seconds: a receiver that asks for a longer pause is asked again after these."""

BUSY: Final = frozenset({429, 502, 503, 504})
"""Statuses by which a receiver says that it has too much to do (Standard Webhooks 1.0.0, delivery success and failure).
"""

_SECONDS: Final = re.compile("[0-9]{1,18}")
_LONGEST_DATE: Final = 64


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is tried again in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Dead:
    """It is not tried again."""


Verdict: TypeAlias = Delivered | Again | Dead


def judge(status: int) -> Trouble:
    """What an answer's status says about its delivery. A redirect is never followed, and delivers nothing."""
    if 200 <= status <= 299:
        return Trouble.NONE
    if 300 <= status <= 399:
        return Trouble.REDIRECT
    if status == 410:
        return Trouble.GONE
    if status in BUSY:
        return Trouble.BUSY
    if 400 <= status <= 499:
        return Trouble.REFUSED
    return Trouble.SERVER if 500 <= status <= 599 else Trouble.PROTOCOL


def after(plan: RetryPlan, tries: int, trouble: Trouble, wish: float = 0.0, chance: float = 0.5) -> Verdict:
    """What follows from attempt number `tries` of the plan, which counts from 1.

    `wish`: seconds that the receiver asked us to wait (`retry_after`), heard up to `LONGEST_WISH`; the longer of the
    two pauses is taken.
    `chance`: a random number from 0 to 1; it places the planned pause within its jitter.
    A receiver that is gone for good ends its delivery at once.
    """
    if trouble is Trouble.NONE:
        return Delivered()
    if trouble is Trouble.GONE or tries > len(plan.pauses):
        return Dead()
    planned = plan.pauses[max(tries, 1) - 1] * (1 + plan.jitter * (2 * chance - 1))
    return Again(max(planned, min(wish, LONGEST_WISH)))


def retry_after(headers: Iterable[tuple[str, str]], now: int) -> float:
    """The seconds that the receiver asks us to wait, 0 where it asks for nothing that can be read.

    `now`: microseconds since the epoch.  ``Retry-After`` (RFC 9110, section 10.2.3) is seconds or a date; of several
    the longest counts.
    """
    wishes = (_wish(value.strip(), now) for name, value in headers if name.lower() == "retry-after")
    return max(wishes, default=0.0)


def _wish(value: str, now: int) -> float:
    if _SECONDS.fullmatch(value):
        return float(value)
    moment = _instant(value) if len(value) <= _LONGEST_DATE else None
    return 0.0 if moment is None else max(moment - now / SECOND, 0.0)


def _instant(value: str) -> int | None:
    """An HTTP date in any of its three forms as seconds since the epoch, ``None`` where it is none."""
    try:
        parts = parsedate_tz(value)
        return None if parts is None else timegm(parts[:6]) - (parts[9] or 0)
    except (ValueError, OverflowError):
        return None
