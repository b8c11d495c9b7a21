"""Where a run stands: lines of steps, and the blocks that hold them. Blocks know what their ended lines mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hookstation.core.values import JSON
from hookstation.core.workflows.compiled import CompiledStep
from hookstation.core.workflows.paths import in_turn
from hookstation.core.workflows.scope import Frame

MOST_ERRORS: Final = 100
"""Turns of a loop whose errors its result lists; it counts them all."""


@dataclass(slots=True, eq=False)
class Line:
    """Steps that go one after the other. `at`: the one that comes next.

    `goal`: steps are jumped over until the one with this name.  `error`: the line failed.  `quits`: somebody said that
    all is done, for the turn or the run that it belongs to.  `number`: which turn or branch of its block it is.
    """

    steps: tuple[CompiledStep, ...]
    prefix: str
    frame: Frame
    block: Block | None = None
    number: int = 0
    at: int = 0
    goal: str = ""
    error: str | None = None
    quits: bool = False

    def end(self) -> None:
        """No further step of it begins."""
        self.at = len(self.steps)


@dataclass(slots=True, eq=False)
class Block:
    """A step that holds others, while these are at work. `line`: the one in which it stands."""

    step: CompiledStep
    path: str
    line: Line
    error: str | None = None
    quits: bool = False
    output: JSON = None

    def lines(self, *, anew: bool) -> list[Line]:  # noqa: ARG002 - a loop asks
        """The lines that begin now. `anew`: those too of which history has nothing yet."""
        return []

    def ended(self, line: Line) -> None:
        """One of its lines is at its end."""
        self.error, self.quits = line.error, line.quits

    @property
    def is_over(self) -> bool:
        """Whether all that it began is at its end, and nothing more begins."""
        return True


@dataclass(slots=True, eq=False)
class Choice(Block):
    """One of several ways (``if``, ``switch``). `way`: the block's name, `prefix` what the paths in it begin with."""

    way: str = ""
    prefix: str = ""
    begun: bool = False

    def lines(self, *, anew: bool) -> list[Line]:  # noqa: ARG002 - it is chosen once
        """The way that was chosen; it goes on in the frame of its line."""
        steps = self.step.blocks.get(self.way, ())
        if self.begun or not steps:
            return []
        self.begun = True
        return [Line(steps, self.prefix, self.line.frame, self)]


@dataclass(slots=True, eq=False)
class Branches(Block):
    """Branches side by side. They see nothing of one another; what they add is known when all have ended."""

    prefixes: tuple[str, ...] = ()
    open: int = -1
    done: dict[int, Line] = field(default_factory=dict)

    def lines(self, *, anew: bool) -> list[Line]:  # noqa: ARG002 - they begin together
        """All branches, once."""
        if self.open >= 0:
            return []
        begun = [
            Line(steps, prefix, self.line.frame.inner(), self, number)
            for number, (steps, prefix) in enumerate(
                zip(self.step.blocks.values(), self.prefixes, strict=True)
            )
        ]
        self.open = len(begun)
        return begun

    def ended(self, line: Line) -> None:
        """One branch is at its end; the first one that failed, in their order, says why."""
        self.open -= 1
        self.done[line.number] = line
        if self.open:
            return
        for _, one in sorted(self.done.items()):
            self.line.frame.join(one.frame)
            self.quits = self.quits or one.quits
            if self.error is None:
                self.error = one.error

    @property
    def is_over(self) -> bool:
        """Whether every branch has ended."""
        return self.open == 0


@dataclass(slots=True, eq=False)
class Turns(Block):
    """A loop.

    `seen`: the greatest turn of which history has anything, -1 without.  With turns one after the other each knows the
    variables that those before it have set; side by side they see nothing of one another.
    """

    items: list[JSON] = field(default_factory=list)
    at_once: int = 1
    allowed: int | None = 0
    seen: int = -1
    next: int = 0
    open: int = 0
    failed: int = 0
    errors: dict[int, str] = field(default_factory=dict)
    last: Line | None = None
    variables: dict[int, dict[str, JSON]] = field(default_factory=dict)

    @property
    def stopped(self) -> bool:
        """Whether too many turns have failed for more to begin."""
        return self.allowed is not None and self.failed > self.allowed

    def lines(self, *, anew: bool) -> list[Line]:
        """The turns that begin now."""
        begun = []
        steps = self.step.blocks["steps"]
        while self.next < len(self.items) and self.open < self.at_once and self._goes_on(anew=anew):
            turn = {"item": self.items[self.next], "index": self.next}
            frame = self.line.frame.inner(turn)
            begun.append(Line(steps, in_turn(self.path, self.next), frame, self, self.next))
            self.next += 1
            self.open += 1
        return begun

    def _goes_on(self, *, anew: bool) -> bool:
        return self.next <= self.seen or (anew and not self.stopped)

    def ended(self, line: Line) -> None:
        """One turn is at its end."""
        self.open -= 1
        if line.error is not None:
            self.failed += 1
            self._remember(line.number, line.error)
        if self.at_once == 1:
            self.line.frame.set_vars(line.frame.set)
        elif line.frame.set:
            self.variables[line.number] = line.frame.set
            self.line.frame.answer = line.frame.answer or self.line.frame.answer
        if self.last is None or self.last.number < line.number:
            self.last = line
        if self.is_over:
            self._close()

    def _remember(self, number: int, error: str) -> None:
        self.errors[number] = error
        if len(self.errors) > MOST_ERRORS:
            del self.errors[max(self.errors)]

    @property
    def is_over(self) -> bool:
        """Whether every turn that began has ended, and no more begins."""
        return self.open == 0 and (self.next >= len(self.items) or not self._goes_on(anew=True))

    def _close(self) -> None:
        frame = self.line.frame
        for _, values in sorted(self.variables.items()):
            frame.set_vars(values)
        if self.stopped:
            first = self.errors[min(self.errors)]
            self.error = f"{self.failed:,} of {self.next:,} turns failed; the first one that did: {first}"
        if self.last is not None:
            frame.answer = self.last.frame.answer or frame.answer

    def results(self) -> dict[str, JSON]:
        """How the turns ended."""
        errors: list[JSON] = [error for _, error in sorted(self.errors.items())]
        return {
            "count": len(self.items),
            "succeeded": self.next - self.failed,
            "failed": self.failed,
            "errors": errors,
        }
