"""What makes runs go on, put together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from hookstation.core.documents.workflow import decode_workflow
from hookstation.core.jobs import JobEnd
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Workflow
from hookstation.engine.lane_worker import LaneWorker
from hookstation.engine.lookout import Lookout
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.connections import Connections
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.advance import AT_ONCE, Advance, Workshop
from hookstation.engine.workflows.again import RunAgain
from hookstation.engine.workflows.beginnings import Beginnings
from hookstation.engine.workflows.calls import CallTokens
from hookstation.engine.workflows.desk import RunDesk
from hookstation.engine.workflows.ended import Ended
from hookstation.engine.workflows.expressions import Expressions
from hookstation.engine.workflows.fitting import Fitting
from hookstation.engine.workflows.plans import Live, Plans
from hookstation.engine.workflows.receiving import Receiving
from hookstation.engine.workflows.showing import ShowRuns
from hookstation.engine.workflows.signals import Signals
from hookstation.engine.workflows.start import Starting
from hookstation.engine.workflows.steps.registry import Tools, runners_of
from hookstation.engine.workflows.telling import Telling
from hookstation.engine.workflows.trying import DryRuns
from hookstation.errors import Invalid
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.http import HttpClient
from hookstation.ports.log import EventLog
from hookstation.ports.runs import LeasedRun
from hookstation.ports.secrets import Vault
from hookstation.ports.store import Store

RunWorker: TypeAlias = LaneWorker[LeasedRun, JobEnd]


@dataclass(slots=True)
class AtWork:
    """`worker` makes runs go on, where this process works; the rest is there in every process."""

    shop: Workshop
    plans: Plans
    starting: Starting
    tools: Tools
    receiving: Receiving
    desk: RunDesk
    trials: DryRuns
    advance: Advance
    worker: RunWorker

    async def drain(self, seconds: float) -> int:
        """Let what is under way end, at most `seconds`; return how many runs are left to others."""
        self.shop.stopping = True
        left = await self.worker.drain(seconds)
        if self.shop.notices:
            await asyncio.wait(set(self.shop.notices), timeout=seconds)
        return left


def at_work(  # noqa: PLR0913 - the meeting point of all that runs need
    store: Store,
    live: Live,
    targets: Targets,
    emitter: Emitter,
    connections: Connections | None,
    vault: Vault,
    http: HttpClient,
    membership: Membership,
    lookout: Lookout,
    clock: Clock,
    identifiers: Identifiers,
    event_log: EventLog,
    base_url: str,
    chance: Callable[[], float] = random.random,
) -> AtWork:
    """One for this process."""
    starting = Starting(live, clock, identifiers)
    emitter.beginnings = Beginnings(live, starting)
    calls = CallTokens(store, vault, identifiers, base_url)
    tools = Tools(store, targets, Fitting(targets), emitter, starting, calls, http, clock, base_url)
    plans, ended = Plans(live, store, decoded), Ended(store, clock)
    shop = Workshop(
        store,
        plans,
        runners_of(tools),
        calls,
        clock,
        event_log,
        ended,
        chance,
        _nobody if connections is None else connections.refused,
        _nobody if connections is None else connections.works,
        Telling(emitter, event_log, ended),
    )
    advance = Advance(shop, live, membership)
    again = RunAgain(store, plans, starting, ended, clock, identifiers, event_log, advance.cancelled)
    return AtWork(
        shop,
        plans,
        starting,
        tools,
        Receiving(starting, ended, clock),
        RunDesk(
            again,
            Signals(store, clock, event_log),
            ShowRuns(store, plans),
            Expressions(store, plans, clock),
        ),
        DryRuns(shop.runners),
        advance,
        LaneWorker(advance, lookout, clock, at_once=AT_ONCE),
    )


def decoded(document: JSON) -> Workflow:
    """A stored document as a workflow. Raises `Invalid`."""
    workflow, problems = decode_workflow(document)
    if workflow is None:
        raise Invalid(problems)
    return workflow


def _nobody(*_: str) -> None:
    """Nobody wants to know how connections stand."""
