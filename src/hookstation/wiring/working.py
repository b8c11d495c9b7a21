"""What finishes events, put together: the calls, the look-ups, and what was acknowledged before it was done."""

from __future__ import annotations

import random
from typing import NamedTuple, TypeAlias

from hookstation.core.jobs import EVENTS, JobEnd, Leased
from hookstation.engine.board import Board
from hookstation.engine.execute import Executor
from hookstation.engine.lane_worker import LaneWorker
from hookstation.engine.lookout import Lookout
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.services import Outgoing
from hookstation.engine.queued import AT_ONCE, QueuedEvents
from hookstation.engine.retrying import Retrying
from hookstation.engine.settle import AT_ONCE as LOOKED_UP_AT_ONCE
from hookstation.engine.settle import LOOK_UP_LEASE, Settler
from hookstation.engine.switchboard import Switchboard
from hookstation.engine.tallying import CallCounts
from hookstation.engine.targets import Targets
from hookstation.engine.worker import Worker
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

Queue: TypeAlias = LaneWorker[Leased, JobEnd]


class Working(NamedTuple):
    """`worker` does what is looked up, held or taken over, `queue` what was acknowledged."""

    executor: Executor
    worker: Worker
    queue: Queue


def working_of(  # noqa: PLR0913 - what all of them need
    store: Store,
    board: Board,
    targets: Targets,
    switchboard: Switchboard,
    membership: Membership,
    lookout: Lookout,
    counts: CallCounts,
    outgoing: Outgoing,
    clock: Clock,
    event_log: EventLog,
) -> Working:
    """One for this process; a connection that was changed has what waits for it tried at once."""
    retrying = Retrying(switchboard, clock, event_log, random.random)
    executor = Executor(store, clock, event_log, counts, outgoing.emitter, outgoing.connections, retrying)
    settler = Settler(store, targets, executor, membership, clock, event_log, retrying)
    waiting = QueuedEvents(
        store, switchboard, targets, executor, settler, retrying, membership, clock, event_log
    )
    board.on_new_connections(settler.hurry)
    board.on_new_connections(waiting.hurry)
    return Working(
        executor,
        Worker(
            store,
            membership,
            clock,
            EVENTS,
            settler,
            at_once=LOOKED_UP_AT_ONCE,
            lease_seconds=LOOK_UP_LEASE,
        ),
        LaneWorker(waiting, lookout, clock, at_once=AT_ONCE),
    )
