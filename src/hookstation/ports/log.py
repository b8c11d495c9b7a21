"""The structured log: one wide line per event and attempt."""

from __future__ import annotations

from typing import Protocol

from hookstation.core.values import JSON


class EventLog(Protocol):
    """Takes log lines; never blocks, never raises."""

    def write(self, happened: str, **fields: JSON) -> None:
        """One line: `happened` in the past tense (``event_received``), then every id and figure that is known."""
        ...
