"""Counting calls: a dictionary in memory, told to the store every few seconds.

What a node had not told when it was killed is counted again from the journal, by whoever notices: events are in it with
how they stand.  What the journal does not know is lost with these seconds: repeats, how long answers took, their
classes and sizes, and rejected calls beyond those that the journal keeps.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from hookstation.core.events import State
from hookstation.core.tallies import (
    ANSWERS,
    BUCKETS,
    BYTES,
    CREDENTIALS,
    FROM,
    HOUR,
    LAST,
    MINUTE,
    MOST_ADDRESSES,
    REPEATED,
    TOOK,
    Tally,
    end_name,
    gathered,
    spread,
    total,
)
from hookstation.engine.membership import Membership
from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.store import Acceptance, Committed, Finish, Store

TELL_EVERY: Final = 5.0
"""Seconds between two tellings: what is lost at most where a node is killed."""

TELL_AT_REST: Final = 60.0
"""Seconds after which a node that counted nothing says that it has nothing to tell."""

AT_ONCE: Final = 100
"""Roll-ups that are told in one transaction, so that the lane never waits long for it."""

KEPT_MINUTES: Final = 2 * HOUR
"""How far back roll-ups of minutes are told."""

log = logging.getLogger(__name__)

Place: TypeAlias = tuple[str, int]
"""A webhook, and a minute since the epoch."""

Counted: TypeAlias = tuple[defaultdict[str, int], defaultdict[str, int]]
"""Counts by name, and accepted calls by address."""

_REJECTED: Final = State.REJECTED


class CallCounts:
    """What this node counted and has not told yet, by webhook and minute of receipt: a few additions a call."""

    def __init__(self) -> None:
        self._open: dict[Place, Counted] = {}
        self._ever: dict[str, int] = dict.fromkeys(TOOK, 0)
        self._seconds = 0.0

    def committed(self, unit: Acceptance | Finish, done: Committed) -> None:
        """An event was accepted, or stands otherwise than before."""
        settlement = done.settlement
        if settlement is None:
            return
        if type(unit) is Acceptance:
            entry = unit.entry
            at = entry.received_at
            place = (entry.webhook, at // MINUTE)
            counts, senders = self._open.get(place) or self._begin(place)
            state = settlement.state
            counts[end_name(state, entry.reason) if entry.reason else state._value_] += 1
            if counts[LAST] < at:
                counts[LAST] = at
            if state is not _REJECTED:
                senders[entry.sender] += 1
        elif (before := done.before) is not None:
            counts = self._at(before.webhook, before.received_at)
            counts[end_name(before.state, before.reason)] -= 1
            counts[end_name(settlement.state, settlement.reason)] += 1

    def answered(self, webhook: str, received_at: int, status: int, size: int, took: float) -> None:
        """A call got its answer. `took`: seconds; `size`: bytes of its body; `status` 0: nobody was there any more."""
        place = (webhook, received_at // MINUTE)
        counts, _ = self._open.get(place) or self._begin(place)
        counts[TOOK[bisect_left(BUCKETS, took * 1e6)]] += 1
        counts[ANSWERS[status // 100]] += 1
        counts[BYTES] += size
        self._seconds += took

    def _begin(self, place: Place) -> Counted:
        return self._open.setdefault(place, (defaultdict(int), defaultdict(int)))

    def repeated(self, webhook: str, received_at: int) -> None:
        """A call was answered from what became of an earlier one."""
        counts = self._at(webhook, received_at)
        counts[REPEATED] += 1
        counts[LAST] = max(counts[LAST], received_at)

    def unjournalled(self, webhook: str, received_at: int, reason: str) -> None:
        """A call was rejected that the journal has no room for."""
        counts = self._at(webhook, received_at)
        counts[end_name(State.REJECTED, reason)] += 1
        counts[LAST] = max(counts[LAST], received_at)

    def credentials_refused(self, webhook: str, at: int) -> None:
        """A target does not know us."""
        self._at(webhook, at)[CREDENTIALS] += 1

    def _at(self, webhook: str, at: int) -> defaultdict[str, int]:
        return self._begin((webhook, at // MINUTE))[0]

    @property
    def durations(self) -> tuple[Sequence[int], float]:
        """How many answers of this process lie in each bucket of `TOOK`, and how many seconds all of them took."""
        fresh = total(counts for counts, _ in self._open.values())
        return [self._ever[name] + fresh.get(name, 0) for name in TOOK], self._seconds

    def __bool__(self) -> bool:
        return bool(self._open)

    def take(self, now: int) -> list[Tally]:
        """Everything that was counted, as roll-ups; from now on it is counted from nothing."""
        counted, self._open = self._open, {}
        for counts, _ in counted.values():
            for name in TOOK:
                self._ever[name] += counts.get(name, 0)
        return gathered(_spread(counted, now))


class Tallying:
    """Tells the store what this node counted."""

    def __init__(self, store: Store, counts: CallCounts, membership: Membership, clock: Clock) -> None:
        self._store, self._counts = store, counts
        self._membership, self._clock = membership, clock
        self._untold: list[Tally] = []
        self._told_at = 0
        store.observe(counts.committed)

    async def run(self) -> None:
        """Tell it every few seconds, until cancelled."""
        while True:
            await self._clock.sleep(TELL_EVERY)
            try:
                await self.tell()
            except StoreError as failure:
                log.warning("what was counted cannot be told just now: %s", failure.message)

    async def stop(self) -> None:
        """Tell what is left; nobody has to count it again."""
        try:
            if self._counts or self._untold:
                await self.tell()
            if self._told_at:
                await self._store.forget_teller(self._membership.node_id)
        except StoreError as failure:
            log.warning("what was counted last is counted again by another node: %s", failure.message)

    async def tell(self) -> None:
        """Write what was counted; where that fails, it is kept for the next time."""
        now = self._clock.now()
        if not self._counts and not self._untold and now < self._told_at + int(TELL_AT_REST * 1_000_000):
            return
        self._untold = gathered([*self._untold, *self._counts.take(now)])
        while True:
            part, rest = self._untold[:AT_ONCE], self._untold[AT_ONCE:]
            await self._store.add_tallies(part, "" if rest else self._membership.node_id, now)
            self._untold = rest
            if not rest:
                break
        self._told_at = now


def _spread(counted: Mapping[Place, Counted], now: int) -> Iterator[Tally]:
    for (webhook, number), (counts, senders) in counted.items():
        minute = number * MINUTE
        who = sorted(senders.items())[:MOST_ADDRESSES]
        named = {FROM + sender: calls for sender, calls in who}
        yield from spread(webhook, minute, {**counts, **named}, minutes=minute >= now - KEPT_MINUTES)
