"""Lease, dispatch, settle: the work of one queue on this node, lane by lane.

Which lanes have something to do is told by a `Lookout`; how much room a lane has is asked whenever it has its turn.  A
lane that has no room keeps what it has and holds up no other one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from hookstation.engine.bell import Bell
from hookstation.engine.lookout import Lookout
from hookstation.errors import StoreError
from hookstation.ports.clock import Clock

LEAST_REST: Final = 0.01
LONGEST_REST: Final = 1.0
"""Seconds until a lane is asked again whose job was due but not to be had: another node was just leasing in it, or all
nodes together do as much of it as may be.  While it stays so, they double."""

TICK: Final = 1e-6
"""Seconds: what is due within them is due, since no clock tells less."""

BATCH: Final = 100
"""Jobs that are leased at once."""

BUSY: Final = 16
"""Ends that were settled together, after which the next ones are let gather: so many jobs share one commit."""

GATHERED: Final = 64
GATHERING: Final = 0.02
"""Ends that are settled without further waiting, and the seconds after which any number is."""

PAUSE: Final = 1.0
"""Seconds until the work goes on that the database or a mistake of ours broke."""

AT_REST: Final = 60.0
"""Seconds to wait where nothing is known to be due: the look-out rings before."""

Item = TypeVar("Item")
End = TypeVar("End")

log = logging.getLogger(__name__)


class Room(NamedTuple):
    """How much of a lane may be begun now.

    `limit`: so many jobs on this node.  `most`: so many may be leased at the same time by all nodes together, those
    that are at work among them; 0: any number.  `seconds`: where `limit` is 0, when there may be room again; 0: when a
    job of the lane ends, with the next look, or when `LaneWorker.ring` says so.  `punctual`: after each lease where
    `most` is 0, it is asked when the next one is due, which costs a statement; else the next look tells it.
    """

    limit: int
    most: int = 0
    seconds: float = 0.0
    punctual: bool = False


class LaneWork(Protocol[Item, End]):
    """The jobs of one queue: how they are leased, done and settled."""

    @property
    def queue(self) -> str:
        """The queue's name."""
        ...

    def room(self, lane: str, at_work: int) -> Room:
        """How much of the lane may be begun now. `at_work`: how many of its jobs this node does."""
        ...

    async def lease(self, lane: str, limit: int, most: int) -> Sequence[Item]:
        """Lease jobs of the lane that are due, as `ports.leases.Jobs.lease` says."""
        ...

    async def next_due(self, lane: str) -> int | None:
        """As `ports.leases.Jobs.next_due` says."""
        ...

    async def do(self, item: Item) -> End | None:
        """Do the job and say how it ended; ``None`` where that is written already."""
        ...

    def put_off(self, item: Item) -> End:
        """The end of a job whose doing broke: it is tried again later."""
        ...

    async def settle(self, ends: Sequence[End]) -> None:
        """Write how jobs ended, in one transaction."""
        ...


class LaneWorker(Generic[Item, End]):
    """Does the jobs of a queue, at most `at_once` at a time, and of each lane as many as there is room for."""

    def __init__(self, work: LaneWork[Item, End], lookout: Lookout, clock: Clock, *, at_once: int) -> None:
        self._work, self._clock, self._at_once = work, clock, at_once
        self._due: dict[str, float] = {}
        self._in_vain: Counter[str] = Counter()
        self._full: set[str] = set()
        self._shut: set[str] = set()
        self._at_work: Counter[str] = Counter()
        self._tasks: dict[asyncio.Task[End | None], str] = {}
        self._ends: list[tuple[str, End]] = []
        self._together: int | None = None
        self._settled = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bell, self._ended, self._gathered = Bell(clock), Bell(clock), Bell(clock)
        lookout.watch(work.queue, self._hear, self._hint)

    async def run(self) -> None:
        """Until cancelled, which ends no job that is under way: `drain` waits for these.

        Leasing and settling wait for the disk by turns, neither for the other: while one does, jobs are done.
        """
        settling = asyncio.ensure_future(self._go_on(self._settle_next))
        try:
            await self._go_on(self._take_next)
        finally:
            settling.cancel()
            await asyncio.wait({settling})

    async def _go_on(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except StoreError as failure:
                log.error(
                    "the queue “%s” cannot be worked off just now: %s", self._work.queue, failure.message
                )
                await self._clock.sleep(PAUSE)
            except Exception:
                log.exception("the work on the queue “%s” broke and goes on", self._work.queue)
                await self._clock.sleep(PAUSE)

    async def _take_next(self) -> None:
        await self.take()
        await self._wait()

    async def _settle_next(self) -> None:
        if not self._ends:
            await self._ended.wait(AT_REST)
        self._gathered.hush()
        if self._settled >= BUSY and not self._are_many():
            await self._gathered.wait(GATHERING)
        await self.settle()

    def _are_many(self) -> bool:
        """Whether the ends are worth a commit: by then a half of what was leased is still under way."""
        return len(self._ends) >= min(GATHERED, len(self._tasks))

    def ring(self, lane: str) -> None:
        """The lane may have room again."""
        self._hear({lane: 0.0})

    async def take(self) -> int:
        """Give every lane that is due its turn: lease what it has room for, and begin it; return how much that was."""
        now, took = self._clock.monotonic(), 0
        due = [lane for lane, at in self._due.items() if at <= now + TICK]
        for number, lane in enumerate(due):
            free = self._at_once - len(self._tasks)
            if free <= 0:
                break
            took += await self._take_of(lane, min(max(1, free // (len(due) - number)), BATCH))
        return took

    async def settle(self) -> None:
        """Write the ends that have gathered; where the database cannot, they stay for the next time.

        Until then their jobs are leased, so they take up their lanes' room.  After a failure half as many are written
        together, and one that fails alone goes behind the others: what cannot be written at all holds up nothing else.
        """
        ends = self._ends[: self._together]
        if not ends:
            return
        try:
            await self._work.settle([end for _, end in ends])
        except Exception:
            self._together = max(len(ends) // 2, 1)
            if len(ends) == 1:
                self._ends.append(self._ends.pop(0))
            raise
        self._together = None
        del self._ends[: len(ends)]
        for lane, _ in ends:
            self._leave(lane)

    async def drain(self, seconds: float) -> int:
        """Wait for what is under way, at most `seconds`, and settle it; return how many jobs did not end."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        left = [task for task in self._tasks if not task.done()]
        for task in left:
            task.cancel()
        try:
            while self._ends:
                await self.settle()
        except StoreError as failure:
            log.error("jobs of “%s” stay unsettled: %s", self._work.queue, failure.message)
        return len(left)

    async def _take_of(self, lane: str, share: int) -> int:
        room = self._work.room(lane, self._at_work[lane])
        at = self._due.pop(lane)
        limit = min(share, room.limit)
        if limit <= 0:
            self._full.add(lane)
            self._shut.add(lane)
            if room.seconds:
                self._due[lane] = self._clock.monotonic() + room.seconds
            return 0
        self._shut.discard(lane)
        try:
            leased = await self._work.lease(lane, limit, room.most)
        except BaseException:
            self._due.setdefault(lane, at)
            raise
        for item in leased:
            self._begin(lane, item)
        await self._look_ahead(lane, len(leased), limit, room)
        return len(leased)

    async def _look_ahead(self, lane: str, took: int, limit: int, room: Room) -> None:
        """When the lane has its next turn; what comes later than a second from now is told by the look-out.

        Where fewer came than there is room for here, all nodes together may do as many as may be: it is asked for again
        when one of them has ended here.
        """
        if took:
            self._in_vain.pop(lane, None)
            if took >= limit:
                self._due.setdefault(lane, self._clock.monotonic())
            elif room.most:
                self._full.add(lane)
            if took >= limit or room.most or not room.punctual:
                return
        self._full.discard(lane)
        due = await self._work.next_due(lane)
        if due is None:
            self._in_vain.pop(lane, None)
            return
        pause = due / 1e6
        if not due:
            self._in_vain[lane] += 1
            pause = min(LEAST_REST * (1 << min(self._in_vain[lane] - 1, 10)), LONGEST_REST)
        self._due.setdefault(lane, self._clock.monotonic() + pause)

    def _begin(self, lane: str, item: Item) -> None:
        if self._loop is None:  # to ask which one runs is a system call
            self._loop = asyncio.get_running_loop()
        task = self._loop.create_task(self._do(item))
        self._tasks[task] = lane
        self._at_work[lane] += 1
        task.add_done_callback(self._done)

    async def _do(self, item: Item) -> End | None:
        try:
            return await self._work.do(item)
        except StoreError as failure:
            log.error("a job of “%s” is tried again: %s", self._work.queue, failure.message)
        except Exception:
            log.exception("a job of “%s” broke and is tried again", self._work.queue)
        return self._work.put_off(item)

    def _done(self, task: asyncio.Task[End | None]) -> None:
        lane = self._tasks.pop(task)
        if not task.cancelled() and (end := task.result()) is not None:
            self._ends.append((lane, end))
            self._ended.ring()
            if self._are_many():
                self._gathered.ring()
        else:
            self._leave(lane)

    def _leave(self, lane: str) -> None:
        """A job of the lane makes room."""
        self._at_work[lane] -= 1
        if not self._at_work[lane]:
            del self._at_work[lane]
        self._shut.discard(lane)
        if lane in self._full:
            self._full.discard(lane)
            self._due[lane] = self._clock.monotonic()
        self._bell.ring()

    def _hint(self, lane: str) -> None:
        """The lane has something more, which is no news where it has no room."""
        if lane not in self._shut:
            self._hear({lane: 0.0})

    def _hear(self, lanes: Mapping[str, float]) -> None:
        now = self._clock.monotonic()
        for lane, seconds in lanes.items():
            if now + seconds < self._due.get(lane, now + AT_REST):
                self._due[lane] = now + seconds
                self._bell.ring()

    async def _wait(self) -> None:
        """Until some lane has its turn."""
        rest = AT_REST
        if self._due and len(self._tasks) < self._at_once:
            rest = min(self._due.values()) - self._clock.monotonic()
        if rest > TICK:
            await self._bell.wait(rest)
        else:
            await asyncio.sleep(0)
