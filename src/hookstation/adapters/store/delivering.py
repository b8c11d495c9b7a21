"""Deliveries of the SQLite driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import apsw

from hookstation.adapters.store import jobs as table
from hookstation.adapters.store import outgoing, outgoing_lists, outgoing_pruning
from hookstation.adapters.store.group_commit import GroupCommit
from hookstation.adapters.store.hints import Hints
from hookstation.adapters.store.journal_writer import Done, Unit
from hookstation.adapters.store.readers import Readers
from hookstation.adapters.store.sharing import BRIEF, SqliteSharing
from hookstation.adapters.store.sweeps import Sweep
from hookstation.core.jobs import DELIVERIES
from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryAttempt,
    DeliveryFigures,
    DestinationState,
    Emission,
    EventOut,
)
from hookstation.ports.deliveries import (
    DESTINATIONS_CHANGED,
    DeliveryEnd,
    DeliveryFilter,
    DeliveryPage,
    LeasedDelivery,
)
from hookstation.ports.store import Holder

STEP: Final = 50
"""Deliveries that go in one transaction: some milliseconds, in which the lane waits."""


class SqliteDeliveries(SqliteSharing):
    """Implements `ports.deliveries.Deliveries`, beside the journal of the same file.

    What is written for a few deliveries is written on the event loop, as `SqliteSharing` does it for jobs.
    """

    def __init__(
        self, jobs: table.JobTable, commits: GroupCommit[Unit, Done], readers: Readers, hints: Hints
    ) -> None:
        super().__init__(jobs, commits, readers, hints)
        self._old_events = Sweep()

    async def emit(self, emissions: Sequence[Emission]) -> Sequence[str]:
        """Write what goes out."""
        size = sum(1 + len(one.deliveries) + len(one.starts) for one in emissions)
        return await self._commits.run(
            partial(outgoing.write_emissions, jobs=self._jobs, emissions=emissions), brief=size <= BRIEF
        )

    async def lease_deliveries(
        self, destination: str, node_id: str, seconds: float, limit: int, most: int = 0
    ) -> Sequence[LeasedDelivery]:
        """Lease deliveries that are due."""
        if not await self._may_lease(DELIVERIES, destination, node_id):
            return []
        holder = Holder(node_id, seconds)

        def work(connection: apsw.Connection) -> list[LeasedDelivery]:
            return outgoing_lists.to_send(
                connection, self._jobs.lease(DELIVERIES, destination, holder, limit, most)
            )

        found = await self._commits.run(work, brief=limit <= BRIEF)
        self._note_leased(DELIVERIES, destination, len(found) == limit)
        return found

    async def settle_deliveries(self, ends: Sequence[DeliveryEnd]) -> Sequence[bool]:
        """Say how tries ended."""
        return await self._commits.run(
            partial(outgoing.settle, jobs=self._jobs, ends=ends), brief=len(ends) <= BRIEF
        )

    async def get_event_out(self, event_id: str) -> EventOut | None:
        """One event out."""
        return self._readers.look_up(outgoing_lists.get_event_out, event_id)

    async def list_events_out(self, limit: int, after: str = "", type_: str = "") -> Sequence[EventOut]:
        """Events out, newest first."""
        return await self._readers.read(outgoing_lists.list_events_out, limit, after, type_)

    async def get_delivery(self, delivery_id: str) -> Delivery | None:
        """One delivery."""
        return self._readers.look_up(outgoing_lists.get_delivery, delivery_id)

    async def list_deliveries(self, which: DeliveryFilter, limit: int, after: str = "") -> DeliveryPage:
        """Deliveries, newest first."""
        return await self._readers.read(outgoing_lists.list_deliveries, which, limit, after)

    async def list_delivery_attempts(self, delivery_id: str) -> Sequence[DeliveryAttempt]:
        """Attempts, oldest first."""
        return await self._readers.read(outgoing_lists.list_attempts, delivery_id)

    async def revive(self, ids: Sequence[str]) -> int:
        """Have deliveries tried again."""
        return await self._commits.run(
            partial(outgoing.revive, jobs=self._jobs, ids=ids), brief=len(ids) <= BRIEF
        )

    async def cancel_deliveries(self, ids: Sequence[str], at: int) -> int:
        """End deliveries that wait."""
        return await self._commits.run(
            partial(outgoing.cancel, jobs=self._jobs, ids=ids, at=at), brief=len(ids) <= BRIEF
        )

    async def count_waiting_deliveries(self) -> Mapping[str, int]:
        """How many wait, by destination."""
        return await self._readers.read(outgoing_lists.count_waiting)

    async def delivery_figures(
        self, since: int, until: int, destination: str = ""
    ) -> Sequence[DeliveryFigures]:
        """Hours, oldest first."""
        return await self._readers.read(outgoing_lists.figures, since, until, destination)

    async def destination_states(self) -> Sequence[DestinationState]:
        """Every destination's state."""
        return self._readers.look_up(outgoing_lists.states)

    async def save_destination_state(self, state: DestinationState) -> bool:
        """Write a state that follows on the one there."""
        saved = await self._commits.run(partial(outgoing.save_state, state=state), brief=True)
        if saved:
            self._hints.tell(DESTINATIONS_CHANGED)
        return saved

    async def prune_deliveries(self, before: int, limit: int) -> int:
        """Delete what is old, in steps that let the lane pass."""
        ids = await self._readers.read(outgoing_pruning.old_deliveries, before, limit)
        gone = await self._remove(outgoing.remove, ids, before)
        self._old_events.begin(self._jobs.now())
        ended = False
        while limit > 0 and not ended:
            found = await self._readers.read(outgoing_pruning.old_events, self._old_events, before, limit)
            ended = found.ended
            limit -= len(found.event_ids)
            gone += await self._remove(outgoing.remove_events, found.event_ids, before)
        if self._readers.look_up(outgoing_pruning.has_old_figures, before):
            await self._commits.run(partial(outgoing.remove_figures, before=before))
        return gone

    async def _remove(self, remove: Callable[..., int], ids: Sequence[str], before: int) -> int:
        gone = 0
        for start in range(0, len(ids), STEP):
            work = partial(remove, ids=ids[start : start + STEP], before=before)
            gone += await self._commits.run(work)
        return gone
