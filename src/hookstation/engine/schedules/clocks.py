"""The job of a schedule: when it is due next, and by which definition that was found."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec

from hookstation.core.jobs import SCHEDULES, Job, Priority
from hookstation.core.schedules.definitions import Schedule
from hookstation.core.schedules.fires import Fire, jitter_of

LANE: Final = "clock"
"""All schedules stand in one lane: what they start is worked off elsewhere, and firing is quick."""


UNFOUND: Final = -1


class Due(msgspec.Struct, frozen=True):
    """The payload of the job. `rule`: a digest of the definition.

    `at`: the time that fires next; 0: none does, `UNFOUND`: it has to be found.
    """

    rule: str
    at: int = 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Due).decode


def rule_of(schedule: Schedule) -> str:
    """A digest of all that decides when it fires."""
    said = (
        schedule.timing,
        schedule.state.value,
        schedule.zone,
        schedule.skipped.value,
        schedule.repeated.value,
        schedule.jitter,
        schedule.starts,
        schedule.ends,
        schedule.exceptions,
    )
    return blake2b(repr(said).encode(), digest_size=12).hexdigest()


def clock_job(schedule: Schedule, fire: Fire | None, now: int) -> Job:
    """The job that waits for this time; without one it waits for a new definition, out of everybody's way."""
    due = Due(rule_of(schedule), 0 if fire is None else fire.at)
    delay = NEVER if fire is None else max(fire.at + jitter_of(schedule, fire) - now, 0)
    return _job(schedule, due, delay)


def new_clock_job(schedule: Schedule) -> Job:
    """The job of a schedule that has none: due at once, so that its time is found."""
    return _job(schedule, Due(rule_of(schedule), UNFOUND), 0)


def _job(schedule: Schedule, due: Due, delay: int) -> Job:
    name = schedule.name
    return Job(
        SCHEDULES, name, _encode(due).decode(), key=name, delay=delay, priority=Priority.HIGH, lane=LANE
    )


NEVER: Final = 366 * 86_400 * 1_000_000
"""Microseconds that a job waits whose schedule does not fire any more; then it is looked at again."""


def read_due(job: Job) -> Due:
    """What its job says of a schedule; of a damaged one that it has to be found anew."""
    try:
        return _decode(job.payload)
    except msgspec.DecodeError:
        return Due("", UNFOUND)
