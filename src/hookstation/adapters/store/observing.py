"""Who hears what was committed, and cannot harm it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

from hookstation.ports.store import Acceptance, Committed, Finish

Listener: TypeAlias = Callable[[Acceptance | Finish, Committed], None]

log = logging.getLogger(__name__)


def harmless(listener: Listener) -> Listener:
    """`listener`, whose faults are logged: its caller is in the middle of answering a whole batch."""

    def hear(unit: Acceptance | Finish, committed: Committed) -> None:
        try:
            listener(unit, committed)
        except Exception:
            log.exception("what was committed stands, but who listens to it broke")

    return hear
