"""What gathers for the next turn of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hookstation.core.outgoing.values import Emission
from hookstation.core.template import MISSING, Value
from hookstation.core.workflows.values import Entry, Hashes, RunStart, Wait
from hookstation.engine.workflows.tasks import Done


@dataclass(slots=True)
class Parts:
    """`results`: entries that commands came to, with their outputs; `launches`: what begins once the turn stands."""

    entries: list[Entry] = field(default_factory=list)
    results: list[tuple[Entry, Value]] = field(default_factory=list)
    starts: list[RunStart] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    emissions: list[Emission] = field(default_factory=list)
    hashes: Hashes | None = None
    launches: list[Callable[[], None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.entries)

    def copy(self) -> Parts:
        """The same, to which more may be added without this one knowing."""
        return Parts(
            [*self.entries],
            [*self.results],
            [*self.starts],
            [*self.waits],
            [*self.emissions],
            self.hashes,
            [*self.launches],
        )

    def result(self, entry: Entry, output: Value = MISSING) -> None:
        """A command came to this."""
        self.entries.append(entry)
        self.results.append((entry, output))

    def take(self, done: Done) -> None:
        """What else a step did."""
        if done.hashes is not None:
            self.hashes = done.hashes
