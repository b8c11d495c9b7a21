"""How destinations stand, as this node knows it: who has room for deliveries, and what their ends say of them.

The states are shared by all nodes; the attempts by which a breaker judges are this node's own.  What is told of a
destination is told once, whichever node sees it first, and never to the destination itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Final

from msgspec import structs

from hookstation.core.outgoing.definitions import Destination, DestinationMode
from hookstation.core.outgoing.health import Ended, Passage, enabled, passage, settled, told
from hookstation.core.outgoing.values import DeliveryState, DestinationState, Health, Trouble
from hookstation.core.values import JSON
from hookstation.engine.bell import Bell
from hookstation.engine.lane_worker import Room
from hookstation.engine.outgoing.crowd import Crowd
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.outgoing.live import Live
from hookstation.engine.outgoing.pace import Pace
from hookstation.engine.outgoing.slots import Slots
from hookstation.errors import Conflict, StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.deliveries import DESTINATIONS_CHANGED, DeliveryFilter
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

LOOK_EVERY: Final = 5.0
"""Seconds between looks at states and nodes, for hints that were lost; nobody looks where there is no destination."""

SOON: Final = 60 * 1_000_000
"""Microseconds of nothing but failures that are not worth a word in the database yet."""

SECOND: Final = 1_000_000
TRIES: Final = 5
NEWCOMER_LOOKS: Final = 1.0
"""Seconds between looks of a node that waits for the others to notice it: they may be dead."""

LATELY: Final = 3_600 * 1_000_000
"""Microseconds: what changed before is not told any more by a node that has just begun."""

ARRIVED: Final = "A delivery has arrived."
"""Why a destination that had a rest is called again as usual."""

MOMENT: Final = 0.1
"""Seconds until a destination is asked for again that was not looked at yet."""

PAGES_AT_ONCE: Final = 20
"""Times `OF_NOBODY` deliveries of a deleted destination that are ended with each look."""

OF_NOBODY: Final = 100
"""Deliveries that are ended together whose destination is not there any more."""

log = logging.getLogger(__name__)


class Destinations:
    """Knows the states, and changes them."""

    def __init__(
        self, store: Store, live: Live, emitter: Emitter, crowd: Crowd, clock: Clock, event_log: EventLog
    ) -> None:
        self._store, self._live, self._emitter, self._crowd = store, live, emitter, crowd
        self._clock, self._event_log = clock, event_log
        self._bell = Bell(clock)
        self._looked_at: frozenset[str] = frozenset()
        self._deleted: frozenset[str] = frozenset()
        self._states: dict[str, DestinationState] = {}
        self._recent: dict[str, deque[Ended]] = {}
        self._failing: dict[str, int] = {}
        self._paces: dict[str, Pace] = {}
        self._slots: dict[str, Slots] = {}
        self._saving = asyncio.Lock()

    @property
    def states(self) -> Mapping[str, DestinationState]:
        """The states that are known here; who is not in there is good."""
        return self._states

    async def run(self) -> None:
        """Until cancelled: follow what other nodes find out."""
        stop = self._store.subscribe(lambda hint: self._bell.ring() if hint == DESTINATIONS_CHANGED else None)
        try:
            while True:
                try:
                    await self.look()
                except StoreError as failure:
                    log.error("how destinations stand cannot be read just now: %s", failure.message)
                await self._bell.wait(LOOK_EVERY)
        finally:
            stop()

    async def look(self) -> None:
        """Read the states, and how many nodes deliver."""
        destinations = self._live.destinations
        self._deleted = (self._deleted | self._looked_at) - destinations.keys()
        for name in sorted(self._deleted):
            await self._end_all(name)
        if not destinations:
            self._looked_at = frozenset()
            return
        before, is_first = self._states, not self._looked_at
        self._states = {one.name: one for one in await self._store.destination_states()}
        for name, after in self._states.items():
            if not is_first or after.changed_at > self._clock.now() - LATELY:
                await self._announce(before.get(name) or DestinationState(name), after)
        for one in destinations.values():
            if one.mode is not DestinationMode.ACTIVE:
                await self._let_rest(one.name)
        await self._crowd.look()
        self._looked_at = frozenset(destinations)
        for known in (self._recent, self._failing, self._paces, self._slots):
            for name in [name for name in known if name not in destinations]:
                del known[name]

    async def _end_all(self, name: str) -> None:
        """What waits for a destination that was deleted goes nowhere any more, nor to the next one of its name."""
        which = DeliveryFilter(name, states=frozenset({DeliveryState.WAITING}))
        for _ in range(PAGES_AT_ONCE):
            page = await self._store.list_deliveries(which, OF_NOBODY)
            if not page.items:
                self._deleted -= {name}
                return
            ids = [one.id for one in page.items]
            ended = await self._store.cancel_deliveries(ids, self._clock.now())
            self._event_log.write("deliveries_cancelled", destination=name, count=ended, by="")

    async def _let_rest(self, name: str) -> None:
        """A time in which nothing is sent is none of failures: it counts from when it is sent to again."""
        self._failing.pop(name, None)
        async with self._saving:
            state = self._state(name)
            if state.failing_since:
                rested = structs.replace(state, failing_since=0, revision=state.revision + 1)
                await self._save(state, rested)

    def room(self, name: str, at_work: int) -> Room:
        """How many deliveries may leave for a destination now; what has no destination any more may all be ended.

        A node that is alone leases ahead, where what it leases is soon done: what is leased then waits here for one of
        its `slots` and not for the disk.
        """
        if not self._live.has(name):
            return Room(OF_NOBODY)
        if not self._crowd.may_lease:
            self._bell.ring()
            return Room(0, seconds=NEWCOMER_LOOKS)
        if name not in self._looked_at:
            self._bell.ring()
            return Room(0, seconds=MOMENT)
        destination, now = self._live.destination(name), self._clock.now()
        if destination.mode is not DestinationMode.ACTIVE:
            return Room(0)
        state = self._states.get(name)
        if state is not None and (goes := passage(state, now)) is not Passage.FREE:
            if goes is Passage.PROBE:
                return Room(0 if at_work else 1, 1)
            return Room(0, seconds=max(state.until - now, 0) / SECOND)
        most = destination.concurrency + (
            self._crowd.ahead(destination.concurrency) if self._is_quick(name) else 0
        )
        limit = most - at_work
        if destination.rate is not None:
            at, pace = self._clock.monotonic(), self._pace(destination)
            if (free := pace.room(at)) < 1:
                return Room(0, seconds=pace.wait(at))
            limit = min(limit, free)
        return Room(limit, most)

    def _is_quick(self, name: str) -> bool:
        """Whether attempts ended a moment ago, and so many of them that the disk may be what they wait for."""
        recent = self._recent.get(name)
        return recent is not None and self._clock.now() - recent[0].ended_at < SECOND

    def may_leave(self, name: str) -> bool:
        """Whether what was leased may still go: it may have been paused, or its destination may have gone, since."""
        destination = self._live.destinations.get(name)
        if destination is None or destination.mode is not DestinationMode.ACTIVE:
            return False
        state = self._states.get(name)
        return state is None or passage(state, self._clock.now()) is not Passage.CLOSED

    def slots(self, destination: Destination) -> Slots:
        """What a delivery holds one of while it is tried: there are as many as its destination takes at once."""
        known = self._slots.get(destination.name)
        if known is None or known.count != destination.concurrency:
            known = self._slots[destination.name] = Slots(destination.concurrency)
        return known

    def leave(self, name: str, count: int) -> None:
        """So many deliveries were leased for it."""
        destination = self._live.destinations.get(name)
        if destination is not None and destination.rate is not None:
            self._pace(destination).take(count, self._clock.monotonic())

    async def observe(self, destination: Destination, ended: Ended) -> None:
        """An attempt has ended here: where that changes how the destination stands, all nodes get to know."""
        name = destination.name
        if ended.trouble is Trouble.NONE:
            self._failing.pop(name, None)
        elif ended.failed:
            self._failing.setdefault(name, ended.ended_at)
        if self._next(destination, ended) is not None:
            async with self._saving:
                await self._change(destination, ended)
        self._remember(destination, ended)

    def goes_on_well(self, destination: Destination, ended: Ended) -> bool:
        """As `observe`, for an attempt that surely changes nothing, which almost every one is; whether it was that."""
        name, state = destination.name, self._states.get(destination.name)
        if ended.trouble is not Trouble.NONE or not (state is None or _is_fine(state)):
            return False
        self._failing.pop(name, None)
        self._remember(destination, ended)
        return True

    def _remember(self, destination: Destination, ended: Ended) -> None:
        """As many as its breaker looks at."""
        recent = self._recent.get(destination.name)
        if recent is None or recent.maxlen != destination.breaker.calls:
            recent = self._recent[destination.name] = deque(recent or (), destination.breaker.calls)
        recent.append(ended)

    async def enable(self, name: str, who: str) -> DestinationState:
        """Call a destination as usual again, whatever stood against it.

        Raises `NotFound`, and `Conflict` where its owner paused or disabled it, or somebody was quicker.
        """
        destination = self._live.destination(name)
        if destination.mode is not DestinationMode.ACTIVE:
            raise Conflict(
                f"The destination “{name}” is {destination.mode} by its settings: set its state to active there."
            )
        async with self._saving:
            self._states = {one.name: one for one in await self._store.destination_states()}
            before = self._state(name)
            if before.health is Health.GOOD and not before.failing_since:
                return before
            after = enabled(before, self._clock.now())
            if not await self._save(before, after):
                raise Conflict(f"The destination “{name}” was changed at this very moment. Look at it again.")
        self._recent.pop(name, None)
        self._failing.pop(name, None)
        self._event_log.write("destination_enabled", destination=name, before=before.health.value, by=who)
        return after

    async def _change(self, destination: Destination, ended: Ended) -> None:
        """Save what follows from the attempt; where another node was quicker, what follows from that."""
        for _ in range(TRIES):
            after = self._next(destination, ended)
            if after is None or await self._save(self._state(destination.name), after):
                return
            self._states = {one.name: one for one in await self._store.destination_states()}

    def _next(self, destination: Destination, ended: Ended) -> DestinationState | None:
        """The new state, ``None`` where it is the old one or as good as.

        What only begins to fail is kept here for a while.
        """
        name = destination.name
        state, since = self._state(name), self._failing.get(name, 0)
        begins = ended.failed and not state.failing_since
        if begins:
            since = max(since, ended.ended_at - SOON)  # what is older may have gone well at other nodes since
            state = structs.replace(state, failing_since=since)
        after = settled(state, destination, self._recent.get(name, ()), ended)
        if begins and after is state and ended.ended_at - since >= SOON:
            return structs.replace(state, revision=state.revision + 1)
        return None if after is state or _as_good_as(state, after) else after

    async def _save(self, before: DestinationState, after: DestinationState) -> bool:
        """Have the store take it, then tell; false where another node was quicker."""
        if not await self._store.save_destination_state(after):
            return False
        self._states[after.name] = after
        if before.health is not after.health:
            self._event_log.write(
                "destination_changed",
                destination=after.name,
                before=before.health.value,
                after=after.health.value,
                until=after.until,
                why=after.why,
            )
            level = logging.INFO if after.health is Health.GOOD else logging.WARNING
            log.log(level, "the destination “%s” is %s: %s", after.name, after.health, after.why)
        await self._announce(before, after)
        return True

    async def _announce(self, before: DestinationState, after: DestinationState) -> None:
        """Tell others of a change. Whoever sees it does, since who made it may be dead: by its key it is told once."""
        if before.revision == after.revision or not (type_ := told(before, after)):
            return
        payload: dict[str, JSON] = {"destination": {"name": after.name}, "why": after.why or ARRIVED}
        key = f"station:{type_} {after.name} {after.changed_at}"
        if made := self._emitter.own(type_, payload, key=key, but=after.name):
            await self._store.emit(made)

    def _state(self, name: str) -> DestinationState:
        return self._states.get(name) or DestinationState(name)

    def _pace(self, destination: Destination) -> Pace:
        assert destination.rate is not None
        now, known = self._clock.monotonic(), self._paces.get(destination.name)
        if known is None or known.rate != destination.rate:
            known = Pace(destination.rate, self._crowd.count, now)
        made = self._paces[destination.name] = known.shared(self._crowd.count, now)
        return made


def _is_fine(state: DestinationState) -> bool:
    return state.health is Health.GOOD and not state.failing_since


def _as_good_as(before: DestinationState, after: DestinationState) -> bool:
    """Whether the change is not worth a commit: a slowed destination that many say it of waits a moment longer."""
    same = before.health is after.health and before.failing_since == after.failing_since
    return same and before.opened == after.opened and after.until - before.until < SECOND
