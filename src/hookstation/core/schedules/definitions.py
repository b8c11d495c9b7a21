"""A schedule as a person defined it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from hookstation.core.schedules.clockwork import Repeated, Skipped
from hookstation.core.schedules.cron import Cron
from hookstation.core.values import JSON


class ScheduleState(StrEnum):
    """Whether it fires."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Starts(StrEnum):
    """What a schedule starts."""

    WORKFLOW = "workflow"
    TRANSFER = "transfer"
    POLL = "poll"


class Missed(StrEnum):
    """What becomes of times at which no node was there to fire: none is made up for, one for all, or each."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class Overlap(StrEnum):
    """What happens where the run that it started before is not at its end.

    `SKIP`: this time is left out.  `QUEUE`: the new run waits for the old one.  `CANCEL`: the old one is cancelled.
    `ALLOW`: both run.
    """

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL = "cancel"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Once:
    """One time. `wall`: on the wall of the schedule's zone, naive."""

    wall: datetime


@dataclass(frozen=True, slots=True)
class Every:
    """An interval in seconds, counted from the schedule's start, or from 1970 where it has none."""

    seconds: int


Timing: TypeAlias = Cron | Once | Every


@dataclass(frozen=True, slots=True)
class Days:
    """Days on which it does not fire, both ends included, by the calendar of its zone."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Schedule:
    """A time rule that starts a workflow, a transfer or a poll.

    `target`: its name.  `input`: what a workflow is given.  `zone`: IANA.  `starts` and `ends`: the first and the last
    day on which it fires.  `missed_window`: seconds; times that are longer ago are never made up for.  `jitter`:
    seconds by which a time is put off at most, the same for every node.  `disable_after`: failures in a row after which
    it is switched off, 0: never.
    """

    name: str
    timing: Timing
    kind: Starts
    target: str
    title: str = ""
    note: str = ""
    state: ScheduleState = ScheduleState.ACTIVE
    input: JSON = None
    zone: str = "UTC"
    skipped: Skipped = Skipped.SHIFT
    repeated: Repeated = Repeated.FIRST
    missed: Missed = Missed.ONCE
    missed_window: int = 3_600
    overlap: Overlap = Overlap.SKIP
    jitter: int = 0
    starts: date | None = None
    ends: date | None = None
    exceptions: tuple[Days, ...] = ()
    disable_after: int = 0
