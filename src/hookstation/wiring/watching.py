"""What counts calls and looks whether they are as usual, put together."""

from __future__ import annotations

from dataclasses import dataclass

from hookstation.engine.membership import Membership
from hookstation.engine.recount import Recount
from hookstation.engine.tallying import Tallying
from hookstation.engine.watch import WATCH, WATCH_LEASE, WATCH_LOOK, Watcher
from hookstation.engine.worker import Worker
from hookstation.ports.clock import Identifiers
from hookstation.ports.log import EventLog
from hookstation.web.services import Services


@dataclass(slots=True)
class Watch:
    """`worker` does the watcher's job."""

    tallying: Tallying
    recount: Recount
    watcher: Watcher
    worker: Worker

    async def begin(self) -> None:
        """Set right what was lost, before a call is taken; from now on this node is known to count."""
        await self.recount.at_start()
        await self.tallying.tell()

    async def stop(self, seconds: float) -> None:
        """End a look, within so many seconds, and tell what was counted last."""
        await self.worker.drain(seconds)
        await self.tallying.stop()


def watch_of(
    services: Services, membership: Membership, identifiers: Identifiers, event_log: EventLog
) -> Watch:
    """One for this process."""
    store, clock = services.store, services.clock
    recount = Recount(store, membership, clock)
    watcher = Watcher(store, services.listing, recount, clock, identifiers, event_log)
    return Watch(
        Tallying(store, services.ingest.counts, membership, clock),
        recount,
        watcher,
        Worker(
            store,
            membership,
            clock,
            WATCH,
            watcher,
            at_once=1,
            lease_seconds=WATCH_LEASE,
            look_every=WATCH_LOOK,
        ),
    )
