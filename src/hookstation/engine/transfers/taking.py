"""Where rows go, as the work that moves them sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from hookstation.core.records import Effect, EffectResult
from hookstation.core.template import MISSING
from hookstation.core.template.scope import text_of
from hookstation.core.transfers.definitions import Transfer
from hookstation.core.transfers.pipeline import Pipeline
from hookstation.core.transfers.progress import Progress
from hookstation.core.values import JSON
from hookstation.core.workflows.scope import RunScope, compile_run_template
from hookstation.core.workflows.values import Run
from hookstation.ports.encrypting import Encrypting
from hookstation.ports.rows import Row

MOST_TOGETHER: Final = 64 * 1024 * 1024
"""Bytes of one call, mail, or chunk, which is made whole before it leaves."""

Tell = Callable[[Progress, Effect | None], Awaitable[EffectResult | None]]
"""Writes a turn: how far the work is, and an effect in our own database. Raises `Lost`."""


@dataclass(frozen=True, slots=True)
class Job:
    """One transfer that is on its way."""

    run: Run
    transfer: Transfer
    scope: RunScope
    pipeline: Pipeline
    encrypting: Encrypting
    tell: Tell

    def text(self, template: str, **more: JSON) -> str:
        """A text of the transfer, filled. `more`: names at the root besides the run's. Raises `MappingFailed`."""
        return filled_text(template, self.scope_with(more))

    def scope_with(self, more: dict[str, JSON]) -> RunScope:
        """The run's scope with more names at its root."""
        scope = self.scope
        return RunScope({**scope.names, **more}, scope.behind, scope.received_at) if more else scope


class Taker(Protocol):
    """A destination, for one transfer. Methods raise `ActionFailed` and `MappingFailed`.

    `lags`: what it took need not be told after each chunk; should this try break off, it is taken anew.
    """

    lags: bool

    async def begin(self, progress: Progress) -> Progress:
        """Take up what was begun; from where the rows have to come, which is the beginning where nothing is left."""
        ...

    async def take(self, rows: Sequence[Row], before: Progress, after: Progress) -> Progress:
        """Take the rows of a chunk. `before`/`after`: the transfer before it, and behind it as far as its source goes.

        Returns `after` with what was written.  There is at least one row.
        """
        ...

    async def keep(self, progress: Progress) -> Progress:
        """What was taken so far is to be gone on with by somebody else, should this try break off."""
        ...

    async def end(self, progress: Progress) -> Progress:
        """Everything was taken. Returns what was written."""
        ...

    async def leave(self) -> None:
        """This try is over, however it ended. Never raises."""
        ...

    async def give_up(self, progress: Progress) -> None:
        """The transfer has failed for good: take away what is half done. Never raises."""
        ...


def filled_text(template: str, scope: RunScope) -> str:
    """A text that is a template, filled. Raises `MappingFailed`."""
    value = compile_run_template(template).evaluate(scope)
    return "" if value is MISSING else text_of(value)
