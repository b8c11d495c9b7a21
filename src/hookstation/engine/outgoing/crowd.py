"""How many nodes deliver, as far as this one knows.

A node that is the only one leases more than may be under way, so that a place that becomes free never waits for the
disk.  As soon as there are others, what is leased in all is what may be under way, and the store counts it.  A node
that comes to others waits until they have surely noticed: so there are never two who lease ahead.
"""

from __future__ import annotations

from typing import Final

from hookstation.engine.membership import Membership
from hookstation.ports.clock import Clock
from hookstation.ports.store import Store

NOTICED: Final = 10.0
"""Seconds after which every node that delivers knows of a new one, or has lost sight of the others and knows that."""

DELIVERING: Final = frozenset({"all", "worker"})
"""Roles of nodes that deliver."""

ROUNDS_AHEAD: Final = 10
LEAST_AHEAD: Final = 64
MOST_AHEAD: Final = 320
"""Deliveries that a node which is alone leases ahead for a destination: so many times what may be under way to it, but
within these bounds.  While many are leased in one transaction and settled in another, there are more."""

FARTHER: Final = 2
"""Times as many where other nodes could work on the store: a database server is farther than a file."""


class Crowd:
    """Counts nodes. `alone`: no other node can work on this store."""

    def __init__(self, store: Store, membership: Membership, clock: Clock, *, alone: bool = False) -> None:
        self._store, self._membership, self._clock, self._alone = store, membership, clock, alone
        self._looked_at = -NOTICED
        self._is_new = False
        self.count = 1

    async def look(self) -> None:
        """Count again; call it more often than every `NOTICED` seconds."""
        if self._alone:
            return
        asked, mine = self._clock.monotonic(), self._membership.node_id
        nodes = [node for node in await self._store.nodes() if node.role in DELIVERING]
        began = next((node.started_at for node in nodes if node.id == mine), self._clock.now())
        before = [node for node in nodes if node.id != mine and (node.started_at, node.id) < (began, mine)]
        self._is_new = bool(before) and self._clock.now() - began < NOTICED * 1_000_000
        self.count, self._looked_at = max(len(nodes), 1), asked

    @property
    def may_lease(self) -> bool:
        """Whether this node may lease at all."""
        return not self._is_new

    def ahead(self, concurrency: int) -> int:
        """How many deliveries may be leased besides those that may be under way."""
        sure = self._alone or (self.count == 1 and self._clock.monotonic() - self._looked_at < NOTICED)
        wanted = max(concurrency, min(ROUNDS_AHEAD * concurrency, MOST_AHEAD), LEAST_AHEAD)
        return wanted * (1 if self._alone else FARTHER) if sure else 0
