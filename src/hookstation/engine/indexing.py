"""Filling the index of words, beside the lane: in small steps, and few of them while calls are at work.

Every node may try; whoever finds that another one was quicker rests for a while, so that one does it at a time.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from typing import Final

from hookstation.core.journal_rules import lowest_id, time_in
from hookstation.core.searching import event_words, payload_words
from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.search import Reached, Search, Unsearched

STEP: Final = 25
"""Events that are put into the index in one transaction."""

IDLE_PAUSE: Final = 2.0
"""Seconds between looks while there is nothing to do."""

OTHER_PAUSE: Final = 30.0
"""Seconds that a node leaves the work to the one that was quicker."""

FREE_SHARE: Final = 1.0
BUSY_SHARE: Final = 99.0
"""How many times as long as a step it rests after it: while no calls are at work, and while there are."""

COMMITTING: Final = 1_000_000
"""Microseconds for which the newest ids are left alone, since older ones may still be committed."""

SURELY: Final = 900 * 1_000_000
"""Microseconds after which no event with an older id is committed any more: no sender waits that long."""

WORTH_NOTING: Final = 60 * 1_000_000
"""Microseconds by which the second pass has to get on before that is written down, where it found nothing."""

LOOK_BACK: Final = 30 * 1_000_000
"""Microseconds between two looks for what the first pass missed, where the last one found nothing."""

log = logging.getLogger(__name__)


class Indexer:
    """Puts events into the index. `is_searched` says of a webhook whether its payloads may be found by their words;
    `is_busy`, whether calls are at work here."""

    def __init__(
        self,
        store: Search,
        clock: Clock,
        is_searched: Callable[[str], bool],
        is_busy: Callable[[], bool],
    ) -> None:
        self._store, self._clock = store, clock
        self._is_searched, self._is_busy = is_searched, is_busy
        self._look_back_at = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            began = self._clock.monotonic()
            try:
                done = await self.step()
            except StoreError as failure:
                log.error("the index of words is not filled just now: %s", failure.message)
                done = None
            took = self._clock.monotonic() - began
            share = BUSY_SHARE if self._is_busy() else FREE_SHARE
            await self._clock.sleep(took * share if done else OTHER_PAUSE if done is False else IDLE_PAUSE)

    async def step(self) -> bool | None:
        """Put the next events into the index: true where that was done, false where another node did it, ``None``
        where there is nothing to do."""
        reached, newest = await self._store.reached()
        now = self._clock.now()
        until = min(newest, lowest_id(now - COMMITTING))
        if reached.newest < until:
            looked = await self._store.look_for_unsearched(reached.newest, until, STEP)
            return await self._add(looked.events, reached, Reached(looked.until, reached.surely))
        surely = min(reached.newest, lowest_id(now - SURELY))
        if reached.surely < surely and now >= self._look_back_at:
            looked = await self._store.look_for_unsearched(reached.surely, surely, STEP * 20)
            missed = looked.events[:STEP]
            if not missed and time_in(looked.until) - time_in(reached.surely) < WORTH_NOTING:
                self._look_back_at = now + LOOK_BACK
                return None
            came = missed[-1].id if len(looked.events) > STEP else looked.until
            return await self._add(missed, reached, Reached(reached.newest, came))
        return None

    async def lag(self) -> float:
        """Seconds by which the index is behind the journal; 0 where it has all of it."""
        reached, newest = await self._store.reached()
        if newest <= reached.newest:
            return 0.0
        return max(0, time_in(newest) - time_in(reached.newest)) / 1_000_000 if reached.newest else math.inf

    async def _add(self, events: Sequence[Unsearched], before: Reached, after: Reached) -> bool:
        words = []
        for one in events:
            words.append((one.id, self._words(one)))
            await asyncio.sleep(0)
        return await self._store.add_words(words, before, after)

    def _words(self, one: Unsearched) -> frozenset[str]:
        ours = event_words(one.webhook, one.sender, one.dedup_key, one.record_key)
        if one.body is None or not self._is_searched(one.webhook):
            return ours
        return ours | payload_words(one.body)
