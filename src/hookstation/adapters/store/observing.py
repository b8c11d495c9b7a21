"""Who hears what was committed of the journal, and cannot harm it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hookstation.ports.runs import Turn, Turned
from hookstation.ports.store import Acceptance, Committed, Finish

Listener: TypeAlias = Callable[[Acceptance | Finish, Committed], None]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class WrittenTurn(Turned):
    """A turn that is written. `heard`: what of the journal was written with it."""

    heard: Sequence[tuple[Acceptance | Finish, Committed]] = ()


def harmless(listener: Listener) -> Callable[[Acceptance | Finish | Turn, Committed | Turned], None]:
    """`listener`, whose faults are logged: its caller is in the middle of answering a whole batch."""

    def hear(unit: Acceptance | Finish | Turn, done: Committed | Turned) -> None:
        try:
            for one, committed in _of_the_journal(unit, done):
                listener(one, committed)
        except Exception:
            log.exception("what was committed stands, but who listens to it broke")

    return hear


def _of_the_journal(
    unit: Acceptance | Finish | Turn, done: Committed | Turned
) -> Sequence[tuple[Acceptance | Finish, Committed]]:
    if isinstance(done, Committed):
        return () if isinstance(unit, Turn) else ((unit, done),)
    return done.heard if isinstance(done, WrittenTurn) else ()
