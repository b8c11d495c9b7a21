"""The lane worker: every lane has its turn, none more than its room, and no job is lost whatever happens."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence

import pytest
from msgspec import structs

from hookstation.core.jobs import Job, JobEnd, JobState, Leased, Node
from hookstation.engine.lane_worker import LONGEST_REST, PAUSE, LaneWorker, Room
from hookstation.engine.lookout import LOOK_EVERY, Lookout
from hookstation.errors import StoreUnavailable
from hookstation.testing.clock import ManualClock
from hookstation.testing.memory_store import MemoryStore

QUEUE = "chores"
AT_ONCE = 6
SECOND = 1_000_000
LEASE = 600.0
PUT_OFF = 2.0


class Chores:
    """A `LaneWork` over the twin: remembers what it did, waits at gates, breaks where it is told to."""

    queue = QUEUE

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.rooms: defaultdict[str, Room] = defaultdict(lambda: Room(100))
        self.asked: Counter[str] = Counter()
        self.looked: Counter[str] = Counter()
        self.done: list[str] = []
        self.batches: list[int] = []
        self.gate: asyncio.Event | None = None
        self.failures: list[Exception] = []
        self.poison: set[str] = set()
        self.refusal: Exception = StoreUnavailable("this cannot be written")

    def room(self, lane: str, at_work: int) -> Room:
        self.looked[lane] += 1
        room = self.rooms[lane]
        return room._replace(limit=room.limit - at_work)

    async def lease(self, lane: str, limit: int, most: int) -> Sequence[Leased]:
        self.asked[lane] += 1
        return await self.store.lease(QUEUE, "node-1", LEASE, limit, lane, most)

    async def next_due(self, lane: str) -> int | None:
        return await self.store.next_due(QUEUE, lane)

    async def do(self, item: Leased) -> JobEnd | None:
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.done.append(item.job.id)
        return JobEnd(item.lease)

    def put_off(self, item: Leased) -> JobEnd:
        again = structs.replace(item.job, delay=int(PUT_OFF * SECOND), tries=item.job.tries + 1)
        return JobEnd(item.lease, again)

    async def settle(self, ends: Sequence[JobEnd]) -> None:
        if self.poison & {end.lease.id for end in ends}:
            raise self.refusal
        await self.store.settle(ends)
        self.batches.append(len(ends))


class Bench:
    """A lane worker on one node; another node only leases."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock.now)
        self.chores = Chores(self.store)
        self.lookout = Lookout(self.store, self.clock)
        self.worker = LaneWorker(self.chores, self.lookout, self.clock, at_once=AT_ONCE)
        self.running: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        self.running = [asyncio.ensure_future(self.lookout.run()), asyncio.ensure_future(self.worker.run())]
        await self.clock.settle()

    async def put(self, lane: str, *names: str, delay: float = 0.0, key: str = "") -> None:
        jobs = [Job(QUEUE, name, key=key, delay=int(delay * SECOND), lane=lane) for name in names]
        await self.store.enqueue(jobs)

    async def states(self, *names: str) -> list[JobState | None]:
        found = [await self.store.find_job(QUEUE, name) for name in names]
        return [one.state if one else None for one in found]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    for name in ("node-1", "node-2"):
        await made.store.join(Node(name, "all", "", ""))
    yield made
    for task in made.running:
        task.cancel()
    await asyncio.gather(*made.running, return_exceptions=True)


async def test_a_hint_wakes_it_without_any_time_passing(bench: Bench) -> None:
    await bench.begin()
    await bench.put("east", "a")
    await bench.clock.settle()
    assert (["a"], [None]) == (bench.chores.done, await bench.states("a"))


async def test_what_no_hint_told_is_found_by_the_next_look(bench: Bench) -> None:
    await bench.begin()
    bench.store._listeners.clear()
    await bench.put("east", "a")
    await bench.clock.advance(LOOK_EVERY)
    assert ["a"] == bench.chores.done


async def test_the_lane_without_a_name_and_other_queues_are_not_its_own(bench: Bench) -> None:
    await bench.begin()
    await bench.put("", "a")
    await bench.store.enqueue([Job("other", "b", lane="east")])
    await bench.clock.advance(2 * LOOK_EVERY)
    assert ([], Counter()) == (bench.chores.done, bench.chores.asked)


async def test_a_job_is_done_at_the_moment_when_it_is_due(bench: Bench) -> None:
    await bench.begin()
    await bench.put("east", "soon", delay=0.3)
    await bench.put("east", "late", delay=7.25)
    await bench.clock.advance(0.299)
    assert [] == bench.chores.done
    await bench.clock.advance(0.001)
    assert ["soon"] == bench.chores.done
    await bench.clock.advance(6.949)
    assert ["soon"] == bench.chores.done
    await bench.clock.advance(0.001)
    assert ["soon", "late"] == bench.chores.done


@pytest.mark.parametrize(("punctual", "expected"), [(False, ["first"]), (True, ["first", "next"])])
async def test_a_punctual_lane_is_not_late_after_another_job(
    bench: Bench, punctual: bool, expected: list[str]
) -> None:
    """Of two jobs that are due a moment apart, the second is found at once where the lane is to be punctual."""
    bench.chores.rooms["east"] = Room(100, punctual=punctual)
    await bench.begin()
    await bench.put("east", "first", delay=3.2)
    await bench.put("east", "next", delay=3.4)
    await bench.clock.advance(3.4)
    assert expected == bench.chores.done


async def test_at_rest_it_asks_for_nothing(bench: Bench) -> None:
    await bench.put("east", "late", delay=50)
    await bench.begin()
    await bench.clock.advance(10)
    assert Counter() == bench.chores.asked


async def test_a_lane_with_much_to_do_leaves_room_for_the_others(bench: Bench) -> None:
    """Both lanes are due at the same look, and neither gets more than its share of the node."""
    await bench.put("east", *[f"e{number}" for number in range(20)])
    await bench.put("west", *[f"w{number}" for number in range(20)])
    bench.chores.gate = asyncio.Event()
    await bench.begin()
    leased = await bench.states(*[f"w{number}" for number in range(20)])
    assert AT_ONCE // 2 == leased.count(JobState.LEASED)
    bench.chores.gate.set()
    await bench.clock.advance(LOOK_EVERY)
    assert 40 == len(bench.chores.done)


async def test_a_lane_that_hangs_fills_its_own_room_only(bench: Bench) -> None:
    bench.chores.rooms["east"] = Room(2)
    bench.chores.gate = asyncio.Event()
    await bench.put("east", "e1", "e2", "e3")
    await bench.begin()
    assert [JobState.LEASED, JobState.LEASED, JobState.READY] == await bench.states("e1", "e2", "e3")
    gate, bench.chores.gate = bench.chores.gate, None
    await bench.put("west", *"abcdefgh")
    await bench.clock.settle()
    assert [*"abcdefgh"] == bench.chores.done
    gate.set()
    await bench.clock.settle()
    assert [None, None, None] == await bench.states("e1", "e2", "e3")


async def test_a_lane_without_room_is_not_leased_until_it_rings(bench: Bench) -> None:
    bench.chores.rooms["east"] = Room(0)
    await bench.put("east", "a")
    await bench.begin()
    await bench.clock.advance(5)
    assert (Counter(), [JobState.READY]) == (bench.chores.asked, await bench.states("a"))
    bench.chores.rooms["east"] = Room(1)
    bench.worker.ring("east")
    await bench.clock.settle()
    assert ["a"] == bench.chores.done


async def test_more_jobs_are_no_news_for_a_lane_without_room(bench: Bench) -> None:
    bench.chores.rooms["east"] = Room(0)
    await bench.put("east", "a")
    await bench.begin()
    looked = bench.chores.looked["east"]
    for name in "bcdef":
        await bench.put("east", name)
        await bench.clock.settle()
    assert looked == bench.chores.looked["east"]
    bench.chores.rooms["east"] = Room(10)
    await bench.clock.advance(LOOK_EVERY)
    assert [*"abcdef"] == bench.chores.done


async def test_room_that_comes_with_time_is_used_when_it_is_there(bench: Bench) -> None:
    bench.chores.rooms["east"] = Room(0, seconds=0.4)
    await bench.put("east", "a")
    await bench.begin()
    bench.chores.rooms["east"] = Room(1)
    await bench.clock.advance(0.399)
    assert [] == bench.chores.done
    await bench.clock.advance(0.001)
    assert ["a"] == bench.chores.done


async def test_what_all_nodes_together_may_do_is_kept_and_the_rest_follows(bench: Bench) -> None:
    bench.chores.rooms["east"] = Room(100, most=2)
    await bench.put("east", "a", "b", "c")
    elsewhere = await bench.store.lease(QUEUE, "node-2", LEASE, 2, "east")
    await bench.begin()
    await bench.clock.advance(3 * LONGEST_REST)
    assert [] == bench.chores.done
    await bench.store.settle([JobEnd(one.lease) for one in elsewhere])
    await bench.clock.advance(LONGEST_REST)
    assert ["c"] == bench.chores.done


async def test_jobs_of_a_key_go_one_after_the_other_and_others_pass(bench: Bench) -> None:
    bench.chores.gate = asyncio.Event()
    await bench.put("east", "k1", "k2", key="k")
    await bench.put("east", "x")
    await bench.begin()
    assert [JobState.LEASED, JobState.BEHIND, JobState.LEASED] == await bench.states("k1", "k2", "x")
    bench.chores.gate.set()
    await bench.clock.settle()
    assert ["k1", "x", "k2"] == bench.chores.done


async def test_what_breaks_is_put_off(bench: Bench) -> None:
    bench.chores.failures = [ValueError("our own mistake"), StoreUnavailable("gone")]
    await bench.put("east", "a")
    await bench.begin()
    await bench.clock.advance(PUT_OFF)
    assert [] == bench.chores.done
    await bench.clock.advance(PUT_OFF)
    assert ["a"] == bench.chores.done


async def test_ends_are_settled_together(bench: Bench) -> None:
    bench.chores.gate = asyncio.Event()
    await bench.put("east", *"abcdef")
    await bench.begin()
    bench.chores.gate.set()
    await bench.clock.settle()
    assert (6, 1) == (sum(bench.chores.batches), len(bench.chores.batches))


async def test_it_goes_on_after_the_database_was_away_and_settles_what_it_had_done(bench: Bench) -> None:
    bench.chores.gate = asyncio.Event()
    await bench.put("east", "a")
    await bench.begin()
    bench.store.unavailable = "The disk is full."
    bench.chores.gate.set()
    await bench.clock.advance(3 * PAUSE)
    assert ([], [JobState.LEASED]) == (bench.chores.batches, await bench.states("a"))
    bench.store.unavailable = ""
    await bench.clock.advance(PAUSE)
    assert [None] == await bench.states("a")


async def test_draining_waits_for_what_is_under_way_and_tells_what_did_not_end(bench: Bench) -> None:
    bench.chores.gate = asyncio.Event()
    await bench.put("east", "a", "b")
    await bench.begin()
    for task in bench.running:
        task.cancel()
    drained = asyncio.ensure_future(bench.worker.drain(5))
    await bench.clock.settle()
    bench.chores.gate.set()
    assert 0 == await drained
    assert [None, None] == await bench.states("a", "b")


async def test_draining_gives_up_what_hangs(bench: Bench) -> None:
    bench.chores.gate = asyncio.Event()
    await bench.put("east", "a")
    await bench.begin()
    assert (1, [JobState.LEASED]) == (await bench.worker.drain(0.01), await bench.states("a"))


@pytest.mark.parametrize("refusal", [StoreUnavailable("this cannot be written"), ValueError("this neither")])
async def test_an_end_that_can_never_be_written_holds_up_no_other_one(
    bench: Bench, refusal: Exception
) -> None:
    bench.chores.poison, bench.chores.refusal = {"b"}, refusal
    await bench.begin()
    await bench.put("x", "a", "b", "c", "d")
    for _ in range(6):
        await bench.clock.advance(PAUSE)
    assert [None, JobState.LEASED, None, None] == await bench.states("a", "b", "c", "d")
    bench.chores.poison = set()
    for _ in range(2):
        await bench.clock.advance(PAUSE)
    assert [None] == await bench.states("b")
