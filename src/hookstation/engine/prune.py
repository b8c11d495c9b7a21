"""Retention: the journal is kept within age and size, in small steps that never hold up the lane."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final, Protocol

from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.deliveries import Deliveries
from hookstation.ports.runs import Runs
from hookstation.ports.store import History, Retention
from hookstation.ports.tallies import Tallies

STEP: Final = 100
"""Most events deleted in one commit."""

STEP_PAUSE: Final = 0.05
ROUND_PAUSE: Final = 60.0
DAY: Final = 86_400 * 1_000_000
HOURS_KEPT: Final = 396 * DAY
MINUTES_KEPT: Final = 3 * 3_600 * 1_000_000
"""How long roll-ups of hours (13 months) and of minutes are kept: microseconds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long events stay: days for settled and rejected ones, how many rejected, bytes of bodies; 0 = for ever.

    Runs of workflows that have ended stay as many `days` as settled events, with all their steps.
    `delivery_days`: how long deliveries stay that have ended, with their attempts and figures.
    """

    days: int = 365
    rejected_days: int = 30
    most_rejected: int = 100_000
    most_bytes: int = 0
    delivery_days: int = 90

    def at(self, now: int) -> Retention:
        """The rule as moments, seen from `now` (microseconds since the epoch)."""
        return Retention(
            now - self.days * DAY if self.days else 0,
            now - self.rejected_days * DAY if self.rejected_days else 0,
            self.most_rejected,
            self.most_bytes,
            now,
        )


class Pruned(History, Tallies, Deliveries, Runs, Protocol):
    """What is kept within bounds."""


class Pruner:
    """Deletes what may go, one small step after the other."""

    def __init__(self, history: Pruned, clock: Clock, rule: RetentionRule) -> None:
        self._history, self._clock, self._rule = history, clock, rule

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.prune()
                await self.prune_tallies()
                await self.prune_deliveries()
                await self.prune_runs()
            except StoreError as failure:
                log.error("pruning stopped: %s", failure.message)
            await self._clock.sleep(ROUND_PAUSE)

    async def prune(self) -> int:
        """Delete all that may go now; return how many events went."""
        gone = 0
        while True:
            step = await self._history.prune(self._rule.at(self._clock.now()), STEP)
            gone += step
            if step < STEP:
                return gone
            await self._clock.sleep(STEP_PAUSE)

    async def prune_tallies(self) -> None:
        """Delete the roll-ups that are old."""
        now = self._clock.now()
        while await self._history.prune_tallies(now - HOURS_KEPT, now - MINUTES_KEPT, STEP) == STEP:
            await self._clock.sleep(STEP_PAUSE)

    async def prune_deliveries(self) -> int:
        """Delete deliveries that ended long ago; return how many of them and of their events went."""
        days, gone = self._rule.delivery_days, 0
        while days:
            step = await self._history.prune_deliveries(self._clock.now() - days * DAY, STEP)
            gone += step
            if step < STEP:
                break
            await self._clock.sleep(STEP_PAUSE)
        return gone

    async def prune_runs(self) -> int:
        """Delete runs that ended long ago, and versions that no run needs any more; return how many runs went."""
        days, gone = self._rule.days, 0
        while days:
            step = await self._history.prune_runs(self._clock.now() - days * DAY, STEP)
            gone += step
            if step < STEP:
                break
            await self._clock.sleep(STEP_PAUSE)
        return gone
