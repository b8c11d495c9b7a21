"""A call whose outcome is not known: what a look-up of it says."""

from __future__ import annotations

from typing import Final

from hookstation.core.definitions import Fault
from hookstation.core.workflows.decisions import Command
from hookstation.core.workflows.values import Entry
from hookstation.engine.workflows.entries import done_entry, failed_entry, started_entry, unknown_entry
from hookstation.engine.workflows.tasks import Failed, Outside
from hookstation.errors import ActionFailed
from hookstation.ports.connector import LookUpVerdict

SECOND: Final = 1_000_000
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0
"""Seconds until it is looked up again where the target cannot be asked: as long as it is known about, within these."""

GIVE_UP: Final = 86_400.0
"""Seconds after which nothing is asked any more; then it is unknown, and the step's rule says what follows."""

NOT_THERE: Final = "The call's outcome was not known, and a look-up showed that nothing was written."
SEVERAL: Final = "The call's outcome is not known: a look-up found several records that may be its."
LOST: Final = "Whoever did this step is gone; whether it had its effect is not known."
CANNOT: Final = "The call's outcome is not known, and the target could not be asked for a day: {why}"


def asked_later(command: Command, way: Outside, error: str, shown: str, began: int, now: int) -> Entry:
    """The entry of a call that broke off: looked up where that can be, else unknown."""
    if way.look_up is None:
        return unknown_entry(command, error, shown, began, now)
    return started_entry(command, shown, began, now + int(max(way.settle_after, 1.0) * SECOND))


async def look_up(command: Command, way: Outside, shown: str, now: int, luck: float) -> Entry:
    """What became of a call that was begun, as its target tells it."""
    entry = command.entry
    assert entry is not None
    began = entry.started_at
    if way.look_up is None or way.found is None:
        return unknown_entry(command, LOST, shown, began, now)
    believed = began + int(way.settle_after * SECOND)
    try:
        found = await way.look_up()
    except ActionFailed as failed:
        age = (now - began) / SECOND
        if age > GIVE_UP:
            return unknown_entry(command, CANNOT.format(why=failed.message), shown, began, now)
        pause = min(max(FIRST_PAUSE, age / 2), LONGEST_PAUSE)
        return started_entry(command, shown, began, now + int(pause * SECOND))
    if found.verdict is LookUpVerdict.FOUND:
        return done_entry(command, way.found(found.keys[0]), shown, began, now)
    if found.verdict is LookUpVerdict.SEVERAL:
        return unknown_entry(command, SEVERAL, shown, began, now)
    if now < believed:
        return started_entry(command, shown, began, believed + 1)
    return failed_entry(command, Failed(NOT_THERE, Fault.UNKNOWN.value), shown, began, now, luck)
