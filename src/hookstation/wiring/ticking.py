"""What goes by the clock, put together: schedules that fire, and polls that look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from hookstation.core.definitions import Webhook
from hookstation.core.jobs import POLLS, SCHEDULES, Job, JobEnd, Leased
from hookstation.engine.board import Board
from hookstation.engine.chain.counts import ChainCounts
from hookstation.engine.compiler import SchemaShelf, compile_webhook
from hookstation.engine.lane_worker import LaneWorker
from hookstation.engine.lookout import Lookout
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.polls.accepting import Accepting
from hookstation.engine.polls.asking import Asking
from hookstation.engine.polls.polling import AT_ONCE as POLLS_AT_ONCE
from hookstation.engine.polls.polling import Polling, new_poll_job
from hookstation.engine.polls.services import Polls
from hookstation.engine.process import Process
from hookstation.engine.schedules.clocks import new_clock_job
from hookstation.engine.schedules.firing import AT_ONCE as FIRES_AT_ONCE
from hookstation.engine.schedules.firing import Firing
from hookstation.engine.schedules.keeping import JobKeeper
from hookstation.engine.schedules.standing import Schedules
from hookstation.engine.switchboard import CompiledWebhook, Switchboard
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.start import Starting
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.http import HttpClient
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store


@dataclass(slots=True)
class Ticking:
    """`schedules` and `polls` are what people ask; the rest goes on by itself, where this process works."""

    schedules: Schedules
    polls: Polls
    firing: LaneWorker[Leased, JobEnd]
    polling: LaneWorker[Leased, JobEnd]
    keepers: tuple[JobKeeper, JobKeeper]

    def tasks(self) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        """What goes on, each with a name for people."""
        yield "fire schedules", self.firing.run
        yield "look at sources", self.polling.run
        yield "keep the jobs of schedules", self.keepers[0].run
        yield "keep the jobs of polls", self.keepers[1].run
        yield "look for schedules that fail", self.schedules.run

    async def drain(self, seconds: float) -> int:
        """Let what is under way end, at most `seconds`; return how much did not."""
        return sum(await asyncio.gather(self.firing.drain(seconds), self.polling.drain(seconds)))


def ticking_of(  # noqa: PLR0913 - what both of them need
    store: Store,
    board: Board,
    targets: Targets,
    switchboard: Switchboard,
    membership: Membership,
    lookout: Lookout,
    emitter: Emitter,
    http: HttpClient,
    process: Process,
    starting: Starting,
    clock: Clock,
    identifiers: Identifiers,
    event_log: EventLog,
    counts: ChainCounts,
) -> Ticking:
    """One for this process."""
    begin = starting.for_schedule
    firing = Firing(store, board, begin, membership, clock, event_log, counts)
    asking, accepting = Asking(targets, http, clock), Accepting(process, clock, identifiers)
    polling = Polling(
        store, board, asking, accepting, switchboard, membership, emitter, clock, event_log, counts
    )

    def clocks() -> Mapping[str, Job]:
        return {name: new_clock_job(one) for name, one in board.schedules.items()}

    def looks() -> Mapping[str, Job]:
        return {name: new_poll_job(one) for name, one in board.polls.items()}

    def made_ready(webhook: Webhook) -> CompiledWebhook:
        return compile_webhook(webhook, targets, SchemaShelf())

    keepers = JobKeeper(store, clock, SCHEDULES, clocks), JobKeeper(store, clock, POLLS, looks)
    for keeper in keepers:
        board.on_new_things(keeper.ring)
    return Ticking(
        Schedules(store, board, begin, emitter, clock, event_log),
        Polls(store, board, asking, accepting, polling, switchboard, clock, event_log, made_ready),
        LaneWorker(firing, lookout, clock, at_once=FIRES_AT_ONCE),
        LaneWorker(polling, lookout, clock, at_once=POLLS_AT_ONCE),
        keepers,
    )
