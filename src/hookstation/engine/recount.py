"""What a node had counted and not told when it was killed, counted again from the journal.

Of the minutes in question the roll-ups are made to say what the journal holds.  A station that is alone does so before
it takes calls; where other nodes work, it is done once all of them have told what they counted of that time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Final

from hookstation.core.tallies import (
    DAY,
    HOUR,
    MINUTE,
    STATION,
    Span,
    Tally,
    missing,
    open_events,
    spread,
    total,
)
from hookstation.engine.membership import Membership
from hookstation.engine.tallying import AT_ONCE, KEPT_MINUTES
from hookstation.ports.clock import Clock
from hookstation.ports.store import Store

SLACK: Final = MINUTE
"""How far before its last telling the count of a killed node is checked: clocks differ, and commits take time."""

MOST_LOST: Final = 10 * MINUTE
"""How much of the journal is counted again at most for a node that was killed: it told at least once a minute."""

UNTOLD: Final = 90 * 1_000_000
"""Microseconds after which nodes that live have told what they counted."""

OPEN_BACK: Final = 31 * DAY
MOST_OPEN_HOURS: Final = 48
"""How far back, and of how many hours, events that were not finished are counted again: their end may be untold."""

PIECE: Final = 5 * MINUTE
"""How much of the journal is read at a time."""

log = logging.getLogger(__name__)


class Recount:
    """Sets roll-ups right."""

    def __init__(self, store: Store, membership: Membership, clock: Clock) -> None:
        self._store, self._membership, self._clock = store, membership, clock

    async def at_start(self) -> None:
        """Where no other node works, count again before a call is taken."""
        dead = await self._dead()
        if dead and all(node.id == self._membership.node_id for node in await self._store.nodes()):
            for until in dead.values():
                await self._minutes(until - SLACK, min(self._clock.now() + SLACK, until + MOST_LOST))
            for node_id in dead:
                await self._store.forget_teller(node_id)

    async def among_others(self) -> None:
        """Count again for nodes that are dead, of the time that all others have told of."""
        told = _floor(self._clock.now() - UNTOLD, MINUTE)
        for node_id, until in (await self._dead()).items():
            if told >= until + 2 * MINUTE:
                await self._minutes(until - SLACK, min(told, _floor(until + MOST_LOST, MINUTE)))
                await self._store.forget_teller(node_id)

    async def unfinished(self) -> None:
        """Count the hours again in which events are told to be unfinished: that they ended may have been lost."""
        now = self._clock.now()
        until = _floor(now - UNTOLD, HOUR)
        hours = await self._store.list_tallies(Span.HOUR, until - OPEN_BACK, until, [STATION])
        for hour in [one.at for one in hours if open_events(one.counts)][-MOST_OPEN_HOURS:]:
            await self._hour(hour)

    async def _dead(self) -> Mapping[str, int]:
        living = {node.id for node in await self._store.nodes()}
        tellers = await self._store.list_tellers()
        return {node_id: until for node_id, until in tellers.items() if node_id not in living}

    async def _minutes(self, since: int, until: int) -> None:
        minutes = self._clock.now() - KEPT_MINUTES
        for minute in range(_floor(since, MINUTE), until, MINUTE):
            journal = _by_webhook(await self._store.recount(minute, min(minute + MINUTE, until)))
            told = _by_webhook(await self._store.list_tallies(Span.MINUTE, minute, minute + 1))
            found: list[Tally] = []
            for name in sorted((journal.keys() | told.keys()) - {STATION}):
                more = missing(journal.get(name, {}), told.get(name, {}))
                found += spread(name, minute, more, minutes=minute >= minutes) if more else []
            await self._add(found)

    async def _hour(self, hour: int) -> None:
        pieces: list[Tally] = []
        for since in range(hour, hour + HOUR, PIECE):
            pieces += await self._store.recount(since, since + PIECE)
        journal = _by_webhook(pieces)
        told = _by_webhook(await self._store.list_tallies(Span.HOUR, hour, hour + 1))
        found: list[Tally] = []
        for name in sorted(name for name, counts in told.items() if name != STATION and open_events(counts)):
            more = missing(journal.get(name, {}), told[name], pruned=True)
            found += spread(name, hour, more, minutes=False) if more else []
        await self._add(found)

    async def _add(self, found: list[Tally]) -> None:
        if found:
            log.warning(
                "%d counts were lost with a node and are counted again from the journal", len(found) // 6
            )
        for start in range(0, len(found), AT_ONCE):
            await self._store.add_tallies(found[start : start + AT_ONCE])


def _by_webhook(tallies: Iterable[Tally]) -> dict[str, dict[str, int]]:
    gathered: dict[str, list[Mapping[str, int]]] = {}
    for one in tallies:
        gathered.setdefault(one.webhook, []).append(one.counts)
    return {name: total(many) for name, many in gathered.items()}


def _floor(at: int, span: int) -> int:
    return at - at % span
