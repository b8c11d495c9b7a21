"""Work that takes its time: each turn of it keeps how far it is, so that whoever takes the run over goes on there."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from msgspec import structs

from hookstation.core.jobs import Lease
from hookstation.core.records import Effect, EffectResult
from hookstation.core.workflows.decisions import Command
from hookstation.core.workflows.values import Entry, Hashes, Run, RunState
from hookstation.engine.workflows.entries import started_entry
from hookstation.engine.workflows.tasks import Done, Hands, Long, Lost
from hookstation.errors import StoreError, StoreUnavailable
from hookstation.ports.runs import Turn, TurnEnd

if TYPE_CHECKING:
    from hookstation.engine.workflows.advance import Workshop

LEASE: Final = 60.0
"""Seconds for which a run is leased from each of its turns on."""

STORE_PAUSE: Final = 0.5
LAST_WORDS: Final = 10.0
"""Seconds in which work that was cancelled takes away what is half done."""

log = logging.getLogger(__name__)


class Telling(Hands):
    """`tasks.Hands` for one try."""

    def __init__(self, shop: Workshop, run: Run, lease: Lease, began: Entry) -> None:
        self._shop, self._run, self._lease, self._began = shop, run, lease, began
        self.detail = began.detail

    @property
    def stopping(self) -> bool:
        """Whether this node stops."""
        return self._shop.stopping

    async def tell(
        self, detail: str, *, hashes: Hashes | None = None, effect: Effect | None = None
    ) -> EffectResult | None:
        """Write a turn; while the database cannot commit, it is written again."""
        entry = structs.replace(self._began, detail=detail)
        end = TurnEnd((entry,), keep_seconds=LEASE, hashes=hashes)
        turn = Turn(self._lease, lambda _: end, self._run.id, effect)
        while True:
            try:
                turned = await self._shop.store.turn(turn)
            except StoreUnavailable as failure:
                log.error("a run waits for the database: %s", failure.message, extra={"run_id": self._run.id})
                await self._shop.clock.sleep(STORE_PAUSE)
                continue
            if not turned.held:
                raise Lost
            self.detail = detail
            return turned.effect


def begun_entry(command: Command, shown: str, began: int) -> Entry:
    """The entry with which a try begins: it knows what the one before it came to."""
    before = command.entry
    return structs.replace(
        started_entry(command, shown, began), detail="" if before is None else before.detail
    )


async def work_of(way: Long, command: Command, hands: Telling, shop: Workshop, run: Run) -> Done:
    """Do the work. Where a person has ended the run meanwhile, what is half done is taken away."""
    try:
        return await way.work(command.entry, hands)
    except asyncio.CancelledError:
        task = asyncio.get_running_loop().create_task(_last_words(way, hands.detail, shop, run))
        shop.notices.add(task)
        task.add_done_callback(shop.notices.discard)
        raise


async def _last_words(way: Long, detail: str, shop: Workshop, run: Run) -> None:
    try:
        async with asyncio.timeout(LAST_WORDS):
            found = await shop.store.get_run(run.id)
            if found is not None and found.state is RunState.CANCELLED:
                await way.give_up(detail)
    except (TimeoutError, StoreError):
        log.warning("what a run had begun may be left behind", extra={"run_id": run.id})
