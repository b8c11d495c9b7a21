"""What a person does with events: the use cases behind the journal's buttons, commands and operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hookstation.engine.cancel import Cancel, CancelRun
from hookstation.engine.details import Explain
from hookstation.engine.execute import Executor
from hookstation.engine.fix import Fix
from hookstation.engine.indexing import Indexer
from hookstation.engine.ingest import Ingest
from hookstation.engine.replay import Replay
from hookstation.engine.replay_many import ReplayMany
from hookstation.engine.resolve import Resolve
from hookstation.engine.run_again import RunAgain
from hookstation.engine.switchboard import Switchboard
from hookstation.engine.targets import Targets
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

QUIET: Final = 2
"""Calls at work at the same time up to which a station is not busy."""


@dataclass(frozen=True, slots=True)
class Remedies:
    """Each is a use case of its own; this only holds them together."""

    cancel: Cancel
    run_again: RunAgain
    resolve: Resolve
    indexer: Indexer
    many: ReplayMany
    fix: Fix
    explain: Explain


def remedies(  # noqa: PLR0913 - what all of them need
    store: Store,
    replay: Replay,
    targets: Targets,
    executor: Executor,
    clock: Clock,
    event_log: EventLog,
    switchboard: Switchboard,
    ingest: Ingest,
    identifiers: Identifiers,
    cancel_run: CancelRun | None = None,
) -> Remedies:
    """All of them, on one station."""
    return Remedies(
        Cancel(store, executor, clock, event_log, cancel_run),
        RunAgain(store, replay, clock, event_log),
        Resolve(store, replay, targets, executor, clock, event_log),
        Indexer(store, clock, switchboard.is_searched, lambda: ingest.in_flight > QUIET),
        ReplayMany(store, replay, clock, identifiers, event_log),
        Fix(store, replay, ingest, clock, identifiers, event_log),
        Explain(store, replay, clock),
    )
