"""What changing a webhook needs, put together."""

from __future__ import annotations

from dataclasses import dataclass

from hookstation.engine.backtest import BackTests
from hookstation.engine.board import Board
from hookstation.engine.configure import Configurator
from hookstation.engine.drafts import Drafts
from hookstation.engine.history import History
from hookstation.engine.ingest import Ingest
from hookstation.engine.listen import Captures
from hookstation.engine.send_once import SendOnce
from hookstation.engine.switchboard import Switchboard
from hookstation.engine.targets import Targets
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.secrets import Vault
from hookstation.ports.store import Store


@dataclass(frozen=True, slots=True)
class Changing:
    """The use cases behind the wizard and behind changes of a live webhook."""

    drafts: Drafts
    history: History
    back_tests: BackTests
    captures: Captures
    send_once: SendOnce


def changing_of(  # noqa: PLR0913 - the meeting point of what a change touches
    store: Store,
    board: Board,
    configurator: Configurator,
    targets: Targets,
    switchboard: Switchboard,
    vault: Vault,
    captures: Captures,
    ingest: Ingest,
    clock: Clock,
    identifiers: Identifiers,
) -> Changing:
    """The use cases of one station. `captures` are those that `ingest` listens with."""
    return Changing(
        Drafts(store, board, configurator, targets, vault, clock),
        History(store, vault),
        BackTests(switchboard, store, clock),
        captures,
        SendOnce(switchboard, ingest, store, clock, identifiers),
    )
