"""How one try of a step ended, as its entry says it."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from hookstation.core.definitions import Fault
from hookstation.core.outgoing.retrying import LONGEST_WISH
from hookstation.core.retrying import pause_after
from hookstation.core.workflows.definitions import Step
from hookstation.core.workflows.values import Entry, EntryState

SECOND: Final = 1_000_000
_FAULTS: Final = frozenset(Fault)


def failed(
    step: Step, entry: Entry, error: str, fault: str, now: int, luck: float, *, least: float = 0.0
) -> Entry:
    """The try did not do it: it is tried again at `due_at`, or that was the last time.

    `fault`: as `Entry.fault`; what is none of these is never tried again.  `luck`: a random number from 0 to 1.
    `least`: seconds that the target asked us to wait, heard up to `LONGEST_WISH`.
    """
    due, retry = 0, step.retry
    if fault in _FAULTS and Fault(fault) in retry.on and entry.attempt < retry.attempts:
        pause = max(pause_after(retry, entry.attempt, luck), min(least, LONGEST_WISH), 0.0)
        due = now + int(pause * SECOND) + 1
    return structs.replace(entry, state=EntryState.FAILED, error=error, fault=fault, ended_at=now, due_at=due)
