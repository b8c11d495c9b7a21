"""This process as a node: it joins, beats, buries the dead, and leaves.

Its identity is made when it joins.  A node that was silent for too long (frozen, or cut off from the database) is dead
for the others, who take over what it had leased; when it finds that out it joins again as another one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from hookstation.core.jobs import Node
from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.store import Holder, Store

BEAT: Final = 2.0
"""Seconds between two heartbeats."""

SILENT: Final = 6.0
"""Seconds without a heartbeat after which a node counts as dead: it is noticed within `SILENT` + `BEAT`."""

EXACT: Final = 0.5
"""Seconds that a heartbeat may take for its time to be believed: one that took longer tells a time that is over."""

SURE: Final = SILENT - 1.0
"""Seconds after a heartbeat was asked for within which the others surely count this node as alive."""

log = logging.getLogger(__name__)


class Membership:
    """The node that this process is. `corrected` hears the store's time with each beat."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        event_log: EventLog,
        new_id: Callable[[], str],
        corrected: Callable[[int], None],
        *,
        role: str,
        address: str,
        version: str,
    ) -> None:
        self._store, self._clock, self._event_log = store, clock, event_log
        self._new_id, self._corrected = new_id, corrected
        self._role, self._address, self._version = role, address, version
        self._heard_at = -SURE
        self.node_id = ""

    @property
    def was_heard(self) -> bool:
        """Whether this node surely counts as alive just now: what it has leased nobody else has."""
        return self._clock.monotonic() - self._heard_at < SURE

    def holder(self, seconds: float) -> Holder:
        """This node, as the holder of a job for so long."""
        return Holder(self.node_id, seconds)

    async def join(self) -> None:
        """Become a node. Raises `StoreUnavailable`."""
        asked = self._clock.monotonic()
        node = Node(self._new_id(), self._role, self._address, self._version)
        self._corrected(await self._store.join(node))
        self.node_id, self._heard_at = node.id, asked
        self._event_log.write("node_joined", node=node.id, role=node.role, address=node.address)

    async def run(self) -> None:
        """Until cancelled: beat, and look for the dead."""
        while True:
            await self._clock.sleep(BEAT)
            try:
                await self.beat()
                await self.reap()
            except StoreError as failure:
                log.error("the database did not take the heartbeat: %s", failure.message)
            except Exception:
                log.exception("a heartbeat broke, and the next one follows")

    async def beat(self) -> None:
        """Say that this node lives; join again where the others have buried it."""
        asked = self._clock.monotonic()
        now = await self._store.beat(self.node_id)
        if now is not None:
            self._heard_at = asked
            if self._clock.monotonic() - asked <= EXACT:
                self._corrected(now)
            return
        log.warning(
            "node %s was silent for more than %g seconds, and the others took over what it had leased; "
            "it joins again under a new id",
            self.node_id,
            SILENT,
        )
        await self.join()

    async def reap(self) -> None:
        """Bury nodes that are silent; what they had leased goes on."""
        reaped = await self._store.reap(SILENT)
        for node in reaped.nodes:
            log.warning("node %s is silent; what it had leased is taken over", node)
            self._event_log.write("node_died", node=node)
        if reaped.leases:
            self._event_log.write("leases_ended", count=reaped.leases)

    async def leave(self) -> None:
        """Give back what is leased, so that the others need not wait."""
        try:
            await self._store.leave(self.node_id)
        except StoreError as failure:
            log.error("the database did not hear this node leave: %s", failure.message)
            return
        self._event_log.write("node_left", node=self.node_id)
