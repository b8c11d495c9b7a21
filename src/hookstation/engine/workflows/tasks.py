"""One try of one step: what it is given, and the ways in which it can go.

A step that touches nothing outside says at once what it puts out (`Done`) or what our database shall do (`Here`); one
that calls another system hands back the call (`Outside`), since its intent is committed first; one that waits says for
what (`Pause`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from hookstation.core.outgoing.values import Emission
from hookstation.core.records import Effect, EffectResult
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Step
from hookstation.core.workflows.values import Entry, Hashes, Run, RunStart, Signal, Wait
from hookstation.ports.connector import LookUp


@dataclass(frozen=True, slots=True)
class Done:
    """The step did it. `answer`: JSON text of what a caller who waits for the run is told; ``None``: nothing new.

    `hashes`: rows that a delta saw.  `detail`: JSON text that its entry keeps.
    """

    output: JSON = None
    answer: str | None = None
    hashes: Hashes | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The step did not do it, that is sure. `fault`: as `Entry.fault`. `seconds`: how long the target wants peace.

    `output` is what steps after it can read all the same, where the run goes on.
    """

    error: str
    fault: str = ""
    seconds: float = 0.0
    output: JSON = None


@dataclass(frozen=True, slots=True)
class Here:
    """What our database does in the transaction that holds the step's end. `end` is called inside it, as `Turn.end`."""

    end: Callable[[EffectResult | None], Done | Failed]
    effect: Effect | None = None
    emissions: tuple[Emission, ...] = ()
    starts: tuple[RunStart, ...] = ()


@dataclass(frozen=True, slots=True)
class Pause:
    """The step waits until `due_at` (microseconds, 0: not for a time), for a signal, or for both.

    `notice`: tells the person for whom it waits; it does no harm when it is done twice, and the step waits all the same
    where it cannot be done.
    """

    due_at: int = 0
    wait: Wait | None = None
    starts: tuple[RunStart, ...] = ()
    detail: str = ""
    notice: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """A call to another system.

    `reads`: it changes nothing there, so it may be made again.  `look_up`: finds what a call may have done, ``None``
    where that cannot be asked; what finds nothing is believed `settle_after` seconds after the call.  `found`: what
    the step puts out when the look-up found the record with this key.
    """

    call: Callable[[], Awaitable[Done]]
    reads: bool = False
    look_up: Callable[[], Awaitable[LookUp]] | None = None
    settle_after: float = 0.0
    found: Callable[[str], Done] | None = None
    connection: str = ""


class Hands(Protocol):
    """What long work tells of how far it is. `detail`: what the entry keeps, as it was told last.

    `stopping`: this node stops; who is told so raises `GivenBack` where the work can be taken up again.
    """

    detail: str

    @property
    def stopping(self) -> bool:
        """Whether this node stops."""
        ...

    async def tell(
        self, detail: str, *, hashes: Hashes | None = None, effect: Effect | None = None
    ) -> EffectResult | None:
        """Write a turn with what the entry is to keep, rows that a delta saw, and an effect; done once it stands.

        Raises `Lost` where the run is not ours any more.
        """
        ...


@dataclass(frozen=True, slots=True)
class Long:
    """Work elsewhere that takes its time, and that whoever finds it begun goes on with.

    `work` is called with the latest try, ``None`` for the first one: its `detail` says how far it is; one that a person
    was asked about has ``{"happened": ...}`` as its output.  `give_up`: it failed for good, or was cancelled; it is
    called with the latest detail, takes away what is half done, and never raises.
    """

    work: Callable[[Entry | None, Hands], Awaitable[Done]]
    give_up: Callable[[str], Awaitable[None]]
    connection: str = ""


class Lost(Exception):
    """The run is not ours any more: it was cancelled, or another node has it."""


class GivenBack(Exception):
    """Somebody else is to go on with the work, since this node stops."""


Way: TypeAlias = Done | Failed | Here | Pause | Outside | Long


Rows: TypeAlias = Callable[[str, JSON, int], JSON]
"""Fills a setting for one row: the setting's name, the row, its number."""


def no_rows(name: str, item: JSON, index: int) -> JSON:  # noqa: ARG001 - a `Rows`
    """For a step that fills nothing for each row."""
    return None


@dataclass(slots=True)
class Task:
    """A step that is to be tried. `settings`: its settings with all templates filled; `now`: microseconds.

    `per_row` fills a setting for one row.
    """

    run: Run
    step: Step
    path: str
    attempt: int
    settings: Mapping[str, JSON]
    now: int
    per_row: Rows

    @property
    def marker(self) -> str:
        """The value by which another system can tell this step's effect from every other one."""
        return f"{self.run.id}/{self.path}"


@runtime_checkable
class Heard(Protocol):
    """A step that waits and says itself what becomes of it."""

    def resume(self, task: Task, entry: Entry, signal: Signal | None) -> Done | Failed | Pause:
        """What follows from a signal, or, without one, from `entry.due_at` having come."""
        ...


class StepRunner(Protocol):
    """Does the steps of one type."""

    def begin(self, task: Task) -> Way:
        """How this try goes. It is quick and touches nothing.

        Raises `ActionFailed` or `MappingFailed` where its settings cannot be done; nothing was done then.  What it says
        for the same task is the same again, so that a call can be looked up by whoever finds it begun.
        """
        ...
