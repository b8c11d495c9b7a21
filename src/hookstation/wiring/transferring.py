"""Transfers, put together: what begins their runs, the step that moves their rows, and what people ask."""

from __future__ import annotations

from hookstation.adapters.pgp import PgpEncrypting
from hookstation.connectors import CATALOGUE
from hookstation.core.transfers.workflow import MOVE
from hookstation.core.values import JSON
from hookstation.engine.board import Board
from hookstation.engine.configure import Configurator
from hookstation.engine.outgoing.attempt import Trying
from hookstation.engine.outgoing.tokens import Tokens
from hookstation.engine.plans import Saving
from hookstation.engine.polls.calling import Caller
from hookstation.engine.stored import StoredReader
from hookstation.engine.targets import Targets
from hookstation.engine.transfers.moving import Tools
from hookstation.engine.transfers.outcalls import OutCalls
from hookstation.engine.transfers.plans import TransferPlans
from hookstation.engine.transfers.services import Transfers
from hookstation.engine.transfers.sources import Sources
from hookstation.engine.transfers.step import MoveRows
from hookstation.engine.workflows.at_work import AtWork
from hookstation.ports.clock import Clock
from hookstation.ports.http import HttpClient
from hookstation.ports.log import EventLog
from hookstation.ports.secrets import Vault
from hookstation.ports.sender import Sender
from hookstation.ports.store import Store


def transferring_of(  # noqa: PLR0913 - what all of it needs
    store: Store,
    board: Board,
    configurator: Configurator,
    targets: Targets,
    work: AtWork,
    vault: Vault,
    http: HttpClient,
    sender: Sender,
    clock: Clock,
    event_log: EventLog,
) -> Transfers:
    """One for this process; from now on runs of transfers begin and go on in it."""
    fitting = work.tools.fitting
    trying = Trying(sender, Tokens(sender, clock), clock, lambda: "")
    sources = Sources(store, targets, fitting, Caller(targets, http, clock))
    tools = Tools(store, targets, fitting, sources, OutCalls(targets, trying, clock), PgpEncrypting(), clock)
    plans = TransferPlans(board, StoredReader(vault, CATALOGUE).transfer)
    work.plans.transfers = work.starting.transfers = plans
    work.shop.runners[MOVE] = MoveRows(tools, plans.read)

    async def save(document: JSON, who: str, note: str) -> None:
        await configurator.apply({"version": 1, "transfers": [document]}, saving=Saving(by=who, note=note))

    return Transfers(
        plans, tools, lambda: board.transfers, work.starting, work.shop.ended, clock, event_log, save
    )
