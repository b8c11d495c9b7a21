"""What has become of a run so far, as an index that is brought up to date entry by entry.

`core.workflows.walking` goes along the run's lines as far as there are entries, and stops at each step that has to be
done or waited for; with each new entry it goes on from there, so that a step costs the same however long the run is.
Where it comes to follows from the workflow and the stored entries: whoever takes a run over walks the same way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Final

import msgspec

from hookstation.core.template import MISSING, Value
from hookstation.core.template.scope import instant_text
from hookstation.core.values import JSON, Number
from hookstation.core.workflows.compiled import CompiledStep, CompiledWorkflow
from hookstation.core.workflows.lines import Line
from hookstation.core.workflows.paths import turns_on
from hookstation.core.workflows.scope import first_frame
from hookstation.core.workflows.values import Entry, EntryState, Run, Signal

_decoder: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=Number)


def read_output(text: str) -> JSON:
    """JSON text of our own as a value; empty text is null."""
    value: JSON = _decoder.decode(text) if text else None
    return value


@dataclass(slots=True, eq=False)
class Open:
    """A step at which a line stands. `entry`: how its latest try stands, ``None`` before anything is stored of it.

    `trying`: the try that somebody here was told to do, and has not said yet how it ended; 0: nobody was.  `since`:
    when that was.
    """

    line: Line
    step: CompiledStep
    entry: Entry | None = None
    trying: int = 0
    since: int = 0

    @property
    def busy(self) -> bool:
        """Whether somebody here is at it."""
        return self.trying > 0


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a run ends though its lines have not. `line`: the one whose step says so; `kept`: that step is stored."""

    error: str | None
    message: JSON = None
    line: Line | None = None
    kept: bool = False

    def said(self) -> tuple[str, str]:
        """What the nearest step before it put out, and what the nearest `respond` said."""
        output = answer = ""
        line = self.line
        while line is not None:
            output, answer = output or line.frame.last, answer or line.frame.answer
            line = line.block.line if line.block is not None else None
        return output, answer


class History:
    """A run, its entries and its signals, and where its lines stand."""

    def __init__(
        self,
        workflow: CompiledWorkflow,
        run: Run,
        entries: Iterable[Entry] = (),
        signals: Iterable[Signal] = (),
    ) -> None:
        """`entries`: the latest try of each path, in any order; `signals`: all of them."""
        self.workflow, self.run = workflow, run
        self.stored: dict[str, tuple[Entry, Value]] = {}
        self.open: dict[str, Open] = {}
        self.signals: dict[str, Signal] = {}
        self.signals_seen = 0
        self.used: set[str] = set()
        self.unknown: set[str] = set()
        self.seen: dict[str, int] = {}
        self.entries = self.characters = self.busy = 0
        self.halt: Halt | None = None
        self.root = Line(
            workflow.steps, "", first_frame(read_output(run.input), run_facts(run), run.created_at)
        )
        self.ready = [self.root]
        self._timers: list[tuple[int, str]] = []
        for entry in entries:
            self.stored[entry.path] = (entry, MISSING)
            self.entries += entry.attempt
            self.characters += len(entry.output)
            for loop, turn in turns_on(entry.path):
                self.seen[loop] = max(turn, self.seen.get(loop, -1))
        for signal in signals:
            self.signal(signal)

    def add(self, entry: Entry, output: Value = MISSING) -> None:
        """An entry is stored that a command led to. `output`: its output as a value, where that is at hand.

        What `Decision.entries` said is known already, and may be passed over.
        """
        place = self.open.get(entry.path)
        if place is None:
            return
        if place.entry is None or place.entry.attempt != entry.attempt:
            self.entries += 1
        self.characters += len(entry.output)
        if entry.state is EntryState.STARTED and not entry.due_at:
            place.entry = entry
            return
        self.stored[entry.path] = (entry, output)
        self._go_on(entry.path, place)

    def signal(self, signal: Signal) -> None:
        """Something came for the run; of one path the first one counts."""
        self.signals_seen += 1
        if signal.path in self.signals:
            return
        self.signals[signal.path] = signal
        path = signal.path.partition("#")[0]
        place = self.open.get(path)
        if place is not None and not place.busy and place.entry is not None:
            self.stored[path] = (place.entry, MISSING)
            self._go_on(path, place)

    def wake(self, now: int) -> None:
        """Lines whose steps wait for a moment that has come go on."""
        timers = self._timers
        while timers and timers[0][0] <= now:
            due, path = heappop(timers)
            place = self._waits(due, path)
            if place is not None and place.entry is not None:
                self.stored[path] = (place.entry, MISSING)
                self._go_on(path, place)

    @property
    def next_moment(self) -> int:
        """The earliest moment for which a step waits, 0 where none does."""
        timers = self._timers
        while timers and self._waits(*timers[0]) is None:
            heappop(timers)
        return timers[0][0] if timers else 0

    def _waits(self, due: int, path: str) -> Open | None:
        place = self.open.get(path)
        if place is None or place.busy or place.entry is None or place.entry.due_at != due:
            return None
        return place

    def take(self, path: str) -> tuple[Entry, Value] | None:
        """What is stored of a path and was not walked past yet; it is handed out once."""
        return self.stored.pop(path, None)

    def stand(self, path: str, place: Open) -> None:
        """A line stands at this step, and goes on with the next thing that comes for it."""
        self.open[path] = place
        self.busy += place.busy
        if not place.busy and place.entry is not None and place.entry.due_at:
            heappush(self._timers, (place.entry.due_at, path))

    def leave(self, path: str) -> None:
        """What somebody was told to do here is not to be done."""
        place = self.open[path]
        self.busy -= place.busy
        place.trying = 0

    def _go_on(self, path: str, place: Open) -> None:
        del self.open[path]
        self.unknown.discard(path)
        self.busy -= place.busy
        self.ready.append(place.line)

    def wrote(self, entry: Entry, *, anew: bool) -> None:
        """An entry follows from what is stored. `anew`: there was none of its try."""
        self.entries += anew
        self.characters += len(entry.output)


def run_facts(run: Run) -> dict[str, JSON]:
    """What ``run`` has in the templates of a run."""
    known = read_output(run.facts)
    return {
        "headers": {},
        "query": {},
        "received_at": None,
        "event_id": run.event_id,
        **(known if isinstance(known, dict) else {}),
        "id": run.id,
        "workflow": run.workflow,
        "version": run.version,
        "trigger": run.trigger,
        "created_at": instant_text(run.created_at),
        "started_at": instant_text(run.started_at) if run.started_at else None,
    }
