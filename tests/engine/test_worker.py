"""The worker: awake when there is something to do, quiet when there is not, and no job lost whatever happens."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest
from msgspec import structs

from hookstation.core.jobs import Job, JobEnd, JobState, Leased, Node
from hookstation.engine.membership import Membership
from hookstation.engine.worker import FIRST_PAUSE, LONGEST_PAUSE, LOOK_EVERY, Worker
from hookstation.testing.clock import ManualClock
from hookstation.testing.memory_store import MemoryStore
from tests.support.engine import Journalled

QUEUE = "chores"
AT_ONCE = 3
SECOND = 1_000_000


class CountedStore(MemoryStore):
    """Counts what a worker asks of it, and keeps every settled batch."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock.now)
        self.asked: Counter[str] = Counter()
        self.batches: list[int] = []

    async def lease(
        self, queue: str, node_id: str, seconds: float, limit: int, lane: str = "", most: int = 0
    ) -> Sequence[Leased]:
        self.asked["lease"] += 1
        return await super().lease(queue, node_id, seconds, limit, lane, most)

    async def next_due(self, queue: str, lane: str = "") -> int | None:
        self.asked["next_due"] += 1
        return await super().next_due(queue, lane)

    async def settle(self, ends: Sequence[JobEnd]) -> Sequence[bool]:
        self.asked["settle"] += 1
        told = await super().settle(ends)
        self.batches.append(len(ends))
        return told


class Scripted:
    """A handler that remembers its jobs, raises what it is told to, and waits where it is told to."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.failures: list[Exception] = []
        self.gates: list[asyncio.Future[None]] = []
        self.at_work = self.most_at_work = 0

    async def do(self, leased: Leased) -> JobEnd | None:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            if self.gates:
                await self.gates.pop(0)
            if self.failures:
                raise self.failures.pop(0)
        finally:
            self.at_work -= 1
        self.done.append(leased.job.id)
        return JobEnd(leased.lease)


class Bench:
    """A worker on one node, and another node that only leases."""

    def __init__(self) -> None:
        self.clock, self.handler = ManualClock(), Scripted()
        self.store = CountedStore(self.clock)
        self.membership = Membership(
            self.store,
            self.clock,
            Journalled(),
            lambda: "node-1",
            lambda _: None,
            role="all",
            address="http://node",
            version="1.2.3",
        )
        self.worker = Worker(
            self.store,
            self.membership,
            self.clock,
            QUEUE,
            self.handler,
            at_once=AT_ONCE,
            lease_seconds=600.0,
        )
        self.running: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Run it until it has nothing to do."""
        self.running = asyncio.ensure_future(self.worker.run())
        await self.clock.settle()

    async def put(self, *names: str, delay: float = 0.0) -> None:
        await self.store.enqueue([Job(QUEUE, name, delay=int(delay * SECOND)) for name in names])

    async def stands(self, name: str) -> tuple[JobState, float, int] | None:
        """How a job stands, in how many seconds it is due, and how often it was begun."""
        found = await self.store.find_job(QUEUE, name)
        return (found.state, (found.due_at - self.clock.now()) / SECOND, found.job.tries) if found else None


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    await made.membership.join()
    yield made
    if made.running is not None:
        made.running.cancel()
        await asyncio.wait({made.running})


async def test_a_hint_wakes_it_without_any_time_passing(bench: Bench) -> None:
    await bench.begin()
    await bench.put("a")
    await bench.clock.settle()
    assert (["a"], None) == (bench.handler.done, await bench.stands("a"))


async def test_a_job_whose_hint_is_lost_is_found_within_a_second(bench: Bench) -> None:
    await bench.begin()
    bench.store._listeners.clear()
    await bench.put("a")
    await bench.clock.advance(LOOK_EVERY)
    assert ["a"] == bench.handler.done


async def test_a_hint_that_comes_while_it_takes_is_not_lost(bench: Bench) -> None:
    """Between a lease that found nothing and the wait for a hint."""
    lease = bench.store.lease

    async def late(
        queue: str, node_id: str, seconds: float, limit: int, lane: str = "", most: int = 0
    ) -> Sequence[Leased]:
        leased = await lease(queue, node_id, seconds, limit)
        if bench.store.asked["lease"] == 1:
            await bench.put("a")
        return leased

    bench.store.lease = late  # type: ignore[method-assign]
    await bench.begin()
    assert ["a"] == bench.handler.done


async def test_it_sleeps_until_the_next_job_is_due(bench: Bench) -> None:
    await bench.put("soon", delay=0.3)
    await bench.put("later", delay=7.25)
    await bench.begin()
    await bench.clock.advance(0.299)
    assert [] == bench.handler.done
    await bench.clock.advance(0.001)
    assert ["soon"] == bench.handler.done
    await bench.clock.advance(6.949)
    assert ["soon"] == bench.handler.done
    await bench.clock.advance(0.001)
    assert ["soon", "later"] == bench.handler.done


async def test_no_more_than_so_many_are_done_at_once_and_the_rest_follows(bench: Bench) -> None:
    bench.handler.gates = gates = [asyncio.get_running_loop().create_future() for _ in range(8)]
    first = list(gates)
    await bench.put(*"abcdefgh")
    await bench.begin()
    assert (AT_ONCE, []) == (bench.handler.at_work, bench.handler.done)
    asked = bench.store.asked["lease"]
    await bench.clock.advance(10)
    assert asked == bench.store.asked["lease"]
    for gate in first:
        gate.set_result(None)
        await bench.clock.settle()
    assert ([*"abcdefgh"], AT_ONCE) == (bench.handler.done, bench.handler.most_at_work)


async def test_what_breaks_is_tried_again_ever_less_often(bench: Bench) -> None:
    await bench.put("a")
    bench.handler.failures = [ValueError("our own mistake") for _ in range(8)]
    await bench.begin()
    pauses = []
    for tries in range(1, 9):
        stands = await bench.stands("a")
        assert stands is not None
        state, due_in, tried = stands
        assert (JobState.READY, tries) == (state, tried)
        pauses.append(due_in)
        await bench.clock.advance(due_in)
    assert [min(FIRST_PAUSE * 2**tries, LONGEST_PAUSE) for tries in range(8)] == pauses
    assert (["a"], None) == (bench.handler.done, await bench.stands("a"))


async def test_ends_are_settled_in_batches(bench: Bench) -> None:
    bench.handler.gates = gates = [asyncio.get_running_loop().create_future() for _ in range(AT_ONCE)]
    first = list(gates)
    await bench.put("a", "b", "c")
    await bench.begin()
    for gate in first:
        gate.set_result(None)
    await bench.clock.settle()
    assert [AT_ONCE] == bench.store.batches


async def test_a_store_that_is_away_loses_no_end(bench: Bench) -> None:
    bench.handler.gates = gates = [asyncio.get_running_loop().create_future() for _ in range(2)]
    first, second = gates
    await bench.put("a", "b")
    await bench.begin()
    bench.store.unavailable = "gone"
    first.set_result(None)
    await bench.clock.advance(5)
    second.set_result(None)
    await bench.clock.advance(5)
    assert [] == bench.store.batches
    bench.store.unavailable = ""
    await bench.clock.advance(LOOK_EVERY)
    assert (["a", "b"], [2], None) == (bench.handler.done, bench.store.batches, await bench.stands("a"))


async def test_a_mistake_of_the_store_does_not_end_it(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever was not foreseen is logged, and the queue goes on."""
    lease, mistakes = bench.store.lease, [RuntimeError("nobody thought of that")]

    async def broken(
        queue: str, node_id: str, seconds: float, limit: int, lane: str = "", most: int = 0
    ) -> Sequence[Leased]:
        if mistakes:
            raise mistakes.pop()
        return await lease(queue, node_id, seconds, limit, lane, most)

    bench.store.lease = broken  # type: ignore[method-assign]
    await bench.put("a")
    await bench.begin()
    await bench.clock.advance(LOOK_EVERY)
    assert ["a"] == bench.handler.done
    assert "nobody thought of that" in caplog.text


async def test_draining_waits_for_what_is_under_way_and_settles_it(bench: Bench) -> None:
    bench.handler.gates = gates = [asyncio.get_running_loop().create_future()]
    gate = gates[0]
    await bench.put("a")
    await bench.worker.take()
    await bench.clock.settle()
    draining = asyncio.ensure_future(bench.worker.drain(60))
    await bench.clock.settle()
    gate.set_result(None)
    assert (0, ["a"], None) == (await draining, bench.handler.done, await bench.stands("a"))


async def test_what_does_not_end_in_time_is_given_back_when_the_node_leaves(bench: Bench) -> None:
    bench.handler.gates = [asyncio.get_running_loop().create_future()]
    await bench.put("a")
    await bench.worker.take()
    await bench.clock.settle()
    assert 1 == await bench.worker.drain(0.01)
    await bench.membership.leave()
    assert (JobState.READY, 0.0, 0) == await bench.stands("a")


async def test_a_late_end_of_a_job_that_another_node_took_over_changes_nothing(bench: Bench) -> None:
    bench.handler.gates = gates = [asyncio.get_running_loop().create_future()]
    gate = gates[0]
    await bench.put("a")
    await bench.begin()
    await bench.store.leave("node-1")
    await bench.store.join(Node("node-2", "all", "", ""))
    [theirs] = await bench.store.lease(QUEUE, "node-2", 600, 1)
    gate.set_result(None)
    await bench.clock.settle()
    assert [1] == bench.store.batches
    assert (JobState.LEASED, "node-2") == await holder(bench, "a")
    assert [True] == list(await bench.store.settle([JobEnd(theirs.lease)]))


async def holder(bench: Bench, name: str) -> tuple[JobState, str] | None:
    found = await bench.store.find_job(QUEUE, name)
    return (found.state, found.node) if found else None


@pytest.mark.parametrize("delay", [None, 3600.0])
async def test_an_idle_worker_asks_about_once_a_second(bench: Bench, delay: float | None) -> None:
    """Also where a job waits for a time that is far off, and where another node does one."""
    for wait in [] if delay is None else [delay]:
        await bench.put("later", delay=wait)
    await bench.store.join(Node("node-2", "all", "", ""))
    await bench.put("theirs")
    await bench.store.lease(QUEUE, "node-2", 600, 1)
    await bench.begin()
    bench.store.asked.clear()
    await bench.clock.advance(60)
    assert 61 >= bench.store.asked.total() >= 59


async def test_a_node_that_the_store_does_not_know_does_not_ask_for_what_is_due_all_the_time(
    bench: Bench,
) -> None:
    """It was buried, and joins again at its next heartbeat."""
    await bench.store.leave("node-1")
    await bench.put("a")
    await bench.begin()
    bench.store.asked.clear()
    await bench.clock.advance(2)
    assert bench.store.asked.total() < 40
    await bench.membership.join()
    await bench.clock.advance(LOOK_EVERY)
    assert ["a"] == bench.handler.done


async def test_an_end_says_what_is_to_be_done_again(bench: Bench) -> None:
    async def again(leased: Leased) -> JobEnd | None:
        bench.handler.done.append(leased.job.payload)
        more = structs.replace(leased.job, payload=leased.job.payload + "x", delay=SECOND)
        return JobEnd(leased.lease, more if len(more.payload) < 3 else None)

    bench.handler.do = again  # type: ignore[method-assign]
    await bench.put("a")
    await bench.begin()
    await bench.clock.advance(5)
    assert ["", "x", "xx"] == bench.handler.done
