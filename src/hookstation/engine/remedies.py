"""What a person does with events: the use cases behind the journal's buttons, commands and operations."""

from __future__ import annotations

from dataclasses import dataclass

from hookstation.engine.cancel import Cancel
from hookstation.engine.execute import Executor
from hookstation.engine.replay import Replay
from hookstation.engine.resolve import Resolve
from hookstation.engine.targets import Targets
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store


@dataclass(frozen=True, slots=True)
class Remedies:
    """Each is a use case of its own; this only holds them together."""

    cancel: Cancel
    resolve: Resolve


def remedies(
    store: Store, replay: Replay, targets: Targets, executor: Executor, clock: Clock, event_log: EventLog
) -> Remedies:
    """All of them, on one station."""
    return Remedies(
        Cancel(store, executor, clock, event_log),
        Resolve(store, replay, targets, executor, clock, event_log),
    )
