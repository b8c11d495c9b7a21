"""What goes out, put together: the use cases, and the worker that delivers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from hookstation.engine.board import Board
from hookstation.engine.lane_worker import LaneWorker
from hookstation.engine.lookout import Lookout
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.attempt import Trying
from hookstation.engine.outgoing.connections import Connections
from hookstation.engine.outgoing.counts import DeliveryCounts
from hookstation.engine.outgoing.crowd import Crowd
from hookstation.engine.outgoing.deliver import AT_ONCE, Deliver, Done
from hookstation.engine.outgoing.destinations import Destinations
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.outgoing.figures import Figures
from hookstation.engine.outgoing.guests import Guests
from hookstation.engine.outgoing.listening import Listening
from hookstation.engine.outgoing.live import Live
from hookstation.engine.outgoing.portal import Portal
from hookstation.engine.outgoing.raise_event import RaiseEvent
from hookstation.engine.outgoing.resend import Resend
from hookstation.engine.outgoing.rotate import Rotate
from hookstation.engine.outgoing.services import Outgoing
from hookstation.engine.outgoing.tokens import Tokens
from hookstation.engine.outgoing.try_out import TryOut
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.deliveries import LeasedDelivery
from hookstation.ports.log import EventLog
from hookstation.ports.secrets import Vault
from hookstation.ports.sender import Sender
from hookstation.ports.store import Store

DeliveryWorker: TypeAlias = LaneWorker[LeasedDelivery, Done]


@dataclass(slots=True)
class Sending:
    """The sending side of one process. `worker` delivers, where this process does."""

    outgoing: Outgoing
    sender: Sender
    deliver: Deliver
    worker: DeliveryWorker


def sending_of(  # noqa: PLR0913 - the meeting point of the sending side
    store: Store,
    board: Board,
    vault: Vault,
    membership: Membership,
    lookout: Lookout,
    sender: Sender,
    clock: Clock,
    identifiers: Identifiers,
    inside: Identifiers,
    chance: Callable[[], float],
    event_log: EventLog,
    *,
    alone: bool = False,
) -> Sending:
    """One for this process.

    `inside`: identifiers for use within the store; `chance`: random numbers from 0 to 1; `alone`: no other process can
    work on this store.
    """
    live = Live(board)
    emitter = Emitter(live, clock, identifiers, inside)
    crowd = Crowd(store, membership, clock, alone=alone)
    destinations = Destinations(store, live, emitter, crowd, clock, event_log)
    trying = Trying(sender, Tokens(sender, clock), clock, lambda: membership.node_id)
    outgoing = _outgoing(
        store, board, vault, live, emitter, destinations, trying, clock, identifiers, event_log
    )

    async def follow() -> None:
        if await store.revision() != board.stored.revision:
            await board.refresh()

    deliver = Deliver(
        store,
        live,
        trying,
        destinations,
        emitter,
        outgoing.listening,
        outgoing.counts,
        membership,
        clock,
        event_log,
        follow,
        chance,
    )
    return Sending(outgoing, sender, deliver, LaneWorker(deliver, lookout, clock, at_once=AT_ONCE))


def _outgoing(  # noqa: PLR0913 - what all of them need
    store: Store,
    board: Board,
    vault: Vault,
    live: Live,
    emitter: Emitter,
    destinations: Destinations,
    trying: Trying,
    clock: Clock,
    identifiers: Identifiers,
    event_log: EventLog,
) -> Outgoing:
    resend = Resend(store, live, clock, event_log)
    rotate = Rotate(store, board, live, vault, clock, identifiers, event_log)
    figures = Figures(store, live, clock)
    return Outgoing(
        live=live,
        emitter=emitter,
        connections=Connections(store, emitter, board, clock),
        destinations=destinations,
        listening=Listening(store, clock),
        counts=DeliveryCounts(),
        raising=RaiseEvent(store, emitter, event_log),
        resend=resend,
        rotate=rotate,
        try_out=TryOut(live, trying, clock, identifiers, event_log),
        figures=figures,
        portal=Portal(store, vault, live, clock, identifiers, event_log),
        guests=Guests(store, resend, rotate, figures),
    )
