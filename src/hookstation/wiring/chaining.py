"""Workflows, and what starts them, put together."""

from __future__ import annotations

from dataclasses import dataclass

from hookstation.core.values import JSON
from hookstation.engine.board import Board
from hookstation.engine.configure import Configurator
from hookstation.engine.lookout import Lookout
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.services import Outgoing
from hookstation.engine.plans import Saving
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.at_work import AtWork, at_work
from hookstation.engine.workflows.manage import Workflows
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.http import HttpClient
from hookstation.ports.log import EventLog
from hookstation.ports.secrets import Vault
from hookstation.ports.store import Store


@dataclass(slots=True)
class Chaining:
    """`work` makes runs go on; `workflows` is what people ask of them."""

    work: AtWork
    workflows: Workflows


def chaining_of(  # noqa: PLR0913 - what all of it needs
    store: Store,
    board: Board,
    configurator: Configurator,
    targets: Targets,
    outgoing: Outgoing,
    vault: Vault,
    http: HttpClient,
    membership: Membership,
    lookout: Lookout,
    clock: Clock,
    identifiers: Identifiers,
    event_log: EventLog,
    base_url: str,
) -> Chaining:
    """One for this process."""
    work = at_work(
        store,
        board,
        targets,
        outgoing.emitter,
        outgoing.connections,
        vault,
        http,
        membership,
        lookout,
        clock,
        identifiers,
        event_log,
        base_url,
    )

    async def save(document: JSON, who: str, note: str) -> None:
        await configurator.apply({"version": 1, "workflows": [document]}, saving=Saving(by=who, note=note))

    workflows = Workflows(store, board, work.starting, work.shop.ended, work.trials, clock, event_log, save)
    return Chaining(work, workflows)
