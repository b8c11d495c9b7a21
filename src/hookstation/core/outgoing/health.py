"""How a destination stands by itself: slowed, at rest, gone or given up, and how it comes out of that.

A destination that is busy (429, 502, 503, 504) is slowed: nothing is sent for as long as it asks, or for a moment.
One that keeps failing is given a rest (its breaker opens); then a single delivery, the probe, tells whether the rest is
over or twice as long.  One that says 410 is gone, one that has done nothing but fail for days is given up; only a
person brings these two back.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from hookstation.core.outgoing.definitions import Breaker, Destination
from hookstation.core.outgoing.retrying import LONGEST_WISH, SECOND
from hookstation.core.outgoing.values import TROUBLE_WORDS, DestinationState, Health, Trouble

LONGEST_REST: Final = 3_600.0
"""Seconds to which a rest grows at most."""

OURS: Final = frozenset({Trouble.NONE, Trouble.MAPPING})
"""What says nothing bad about a destination: nothing went to it, or all went well."""

ENDED: Final = frozenset({Health.GONE, Health.GIVEN_UP})
"""How a destination stands until a person enables it."""


class Passage(Enum):
    """How many deliveries may leave for a destination now."""

    FREE = "free"
    PROBE = "probe"
    CLOSED = "closed"


class Ended(msgspec.Struct, frozen=True):
    """The end of an attempt. Times: microseconds since the epoch. `wish`: seconds that the receiver asked to wait."""

    started_at: int
    ended_at: int
    trouble: Trouble = Trouble.NONE
    wish: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it counts against the destination."""
        return self.trouble not in OURS


def passage(state: DestinationState, now: int) -> Passage:
    """Who may leave at `now`, microseconds since the epoch.

    Behind `PROBE` one delivery may go, over all nodes, until its end has been told to `settled`.
    """
    if state.health in ENDED:
        return Passage.CLOSED
    if state.health is Health.GOOD:
        return Passage.FREE
    if now < state.until:
        return Passage.CLOSED
    return Passage.FREE if state.health is Health.SLOWED else Passage.PROBE


def seen(state: DestinationState, now: int) -> DestinationState:
    """The state as people see it: the time of a slowed one may be over before an attempt has shown that it is good."""
    if state.health is Health.SLOWED and now >= state.until:
        return msgspec.structs.replace(state, health=Health.GOOD, until=0, why="")
    return state


def settled(
    state: DestinationState, destination: Destination, recent: Sequence[Ended], last: Ended
) -> DestinationState:
    """How the destination stands after its attempt `last`; the same object where nothing changes.

    `recent`: attempts that ended before, in any order, as many as are remembered: those of one node are enough.  A new
    state has the next `revision`, the one that a store takes.
    """
    if state.health in ENDED or last.trouble is Trouble.MAPPING:
        return state
    if not last.failed:
        return _recovered(state, last)
    return _failed(state, destination, recent, last)


def enabled(state: DestinationState, now: int) -> DestinationState:
    """A person has it called again, whatever it was: all that was held against it is forgotten."""
    return DestinationState(state.name, changed_at=now, revision=state.revision + 1)


def told(before: DestinationState, after: DestinationState) -> str:
    """The type of the event by which others are told of the change, empty where none is."""
    if before.health is after.health:
        return ""
    if after.health in ENDED:
        return "destination.disabled"
    if after.health is Health.OPEN:
        return "destination.opened"
    return "destination.closed" if before.health is Health.OPEN and after.health is Health.GOOD else ""


def remembered(recent: Sequence[Ended], last: Ended, breaker: Breaker) -> tuple[Ended, ...]:
    """`recent` with one more, without those that no breaker looks at any more."""
    since = last.ended_at - int(breaker.window * SECOND)
    return (*[one for one in recent if one.ended_at > since], last)[-breaker.calls :]


def _recovered(state: DestinationState, last: Ended) -> DestinationState:
    """An attempt went well. Those that had left before the rest say nothing about its end; a slowed one waits on."""
    over = last.ended_at >= state.until if state.health is Health.SLOWED else last.started_at >= state.until
    if state.health is not Health.GOOD and over:
        return _changed(state, last.ended_at, health=Health.GOOD, until=0, opened=0, failing_since=0, why="")
    return _with(state, failing_since=0)


def _failed(
    state: DestinationState, destination: Destination, recent: Sequence[Ended], last: Ended
) -> DestinationState:
    now, since = last.ended_at, state.failing_since or last.ended_at
    if last.trouble is Trouble.GONE:
        why = "The receiver answered 410: it wants no more deliveries."
        return _changed(state, now, health=Health.GONE, until=0, failing_since=since, why=why)
    if now - since >= destination.disable_after * SECOND:
        span, words = _span(destination.disable_after), TROUBLE_WORDS[last.trouble]
        why = f"Nothing but failures for {span}; the last one: {words}."
        return _changed(state, now, health=Health.GIVEN_UP, until=0, failing_since=since, why=why)
    breaker = destination.breaker
    if state.health is Health.OPEN:
        probe = last.started_at >= state.until
        return _opened(state, breaker, last, since) if probe else _with(state, failing_since=since)
    if _too_many(state, breaker, recent, last):
        return _opened(state, breaker, last, since)
    if last.trouble is Trouble.BUSY:
        return _slowed(state, destination, last, since)
    return _with(state, failing_since=since)


def _too_many(state: DestinationState, breaker: Breaker, recent: Sequence[Ended], last: Ended) -> bool:
    """Whether the breaker opens. What was before a destination became good again is not held against it."""
    fresh = [one for one in recent if state.health is not Health.GOOD or one.started_at >= state.changed_at]
    looked_at = remembered(sorted(fresh, key=_end), last, breaker)
    failures = sum(one.failed for one in looked_at)
    return len(looked_at) >= breaker.calls and failures >= breaker.share * breaker.calls


def _end(one: Ended) -> int:
    return one.ended_at


def _opened(state: DestinationState, breaker: Breaker, last: Ended, since: int) -> DestinationState:
    rest = rest_after(state.opened, breaker)
    until = last.ended_at + int(max(rest, min(last.wish, LONGEST_WISH)) * SECOND)
    words = TROUBLE_WORDS[last.trouble]
    why = f"Too many attempts failed, the last one: {words}. It rests, then one delivery is tried."
    return _changed(
        state,
        last.ended_at,
        health=Health.OPEN,
        until=max(until, state.until),
        opened=state.opened + 1,
        failing_since=since,
        why=why,
    )


def rest_after(opened: int, breaker: Breaker) -> float:
    """Seconds of rest for a breaker that has opened `opened` times in a row before."""
    return float(min(breaker.pause * 2 ** min(opened, 32), max(LONGEST_REST, breaker.pause)))


def _slowed(state: DestinationState, destination: Destination, last: Ended, since: int) -> DestinationState:
    until = last.ended_at + int((min(last.wish, LONGEST_WISH) or _moment(destination)) * SECOND)
    if until <= state.until:
        return _with(state, failing_since=since)
    why = "The receiver said that it has too much to do."
    return _changed(state, last.ended_at, health=Health.SLOWED, until=until, failing_since=since, why=why)


def _moment(destination: Destination) -> float:
    """Seconds for one that names no time: never beyond the pause after which its own delivery is due again."""
    return min((*destination.retry.pauses[:1], destination.breaker.pause))


def _with(state: DestinationState, failing_since: int) -> DestinationState:
    """The same state with another beginning of its failures."""
    if state.failing_since == failing_since:
        return state
    return msgspec.structs.replace(state, failing_since=failing_since, revision=state.revision + 1)


def _changed(state: DestinationState, now: int, health: Health, **changes: object) -> DestinationState:
    """`changed_at` is when the health became what it is."""
    changed_at = state.changed_at if state.health is health else now
    return msgspec.structs.replace(
        state, health=health, changed_at=changed_at, revision=state.revision + 1, **changes
    )


def _span(seconds: float) -> str:
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{round(seconds / unit, 1):g} {name}"
    return f"{seconds:g} seconds"
