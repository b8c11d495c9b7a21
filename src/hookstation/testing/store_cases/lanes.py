"""Lanes: jobs of one queue that are leased apart from each other."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import structs

from hookstation.core.jobs import JobEnd, Leased, Priority
from hookstation.ports.leases import JOBS_READY
from hookstation.testing.store_cases.making import (
    HOUR,
    LATER,
    QUEUE,
    Workplace,
    chore,
    join,
    names,
    put,
    release,
    states,
    take,
)
from hookstation.testing.store_cases.nodes import Listener


class LaneCases:
    """What lanes owe."""

    async def test_a_lane_is_leased_alone(self, store: Workplace) -> None:
        """Only jobs of the lane that is asked for are leased, and they say which one that is."""
        await join(store, "n1")
        given = chore("a", lane="“ü”/x", payload="p", priority=Priority.HIGH, tries=2)
        await put(store, given, chore("b"), chore("c", lane="other"))

        assert [] == list(await lease(store, "nobody"))
        assert [given] == [one.job for one in await lease(store, "“ü”/x")]
        assert ["b"] == names(await take(store))
        assert ["c"] == names(await lease(store, "other"))

    async def test_lane_is_read_back(self, store: Workplace) -> None:
        """A job that is found or listed says its lane; the list has the jobs of all lanes."""
        given = [chore("a", lane="x"), chore("b"), chore("c", lane="y", key="k")]
        await put(store, *given)

        assert given == [one.job for one in await store.list_jobs(QUEUE, "", 9)]
        found = await store.find_job(QUEUE, "c")
        assert found is not None
        assert given[2] == found.job

    async def test_most_at_a_time(self, store: Workplace) -> None:
        """`most` bounds what is leased in a lane by all nodes together; what ends makes room; other lanes are apart."""
        await join(store, "n1", "n2")
        await store.enqueue([chore(f"{n}", lane="x") for n in range(6)])
        await store.enqueue([chore(f"y{n}", lane="y") for n in range(2)])
        first = await lease(store, "x", "n1", most=2)
        full = await lease(store, "x", "n2", most=2)
        other = await lease(store, "y", "n2", most=2)
        await release(store, first[:1])
        second = await lease(store, "x", "n2", most=2)
        wider = await lease(store, "x", "n1", limit=1, most=9)

        assert [["0", "1"], [], ["y0", "y1"], ["2"], ["3"]] == [
            names(one) for one in (first, full, other, second, wider)
        ]

    async def test_most_is_kept_by_many_at_once(self, store: Workplace) -> None:
        """However many nodes lease in a lane at the same moment, no more than `most` are leased."""
        nodes = [f"n{n}" for n in range(5)]
        await join(store, *nodes)
        await store.enqueue([chore(f"{n:02}", lane="x") for n in range(30)])

        found = await asyncio.gather(*(lease(store, "x", node, 2, most=3) for node in nodes for _ in (1, 2)))

        taken = [name for one in found for name in names(one)]
        assert 1 <= len(taken) <= 3
        assert len(taken) == len(set(taken))
        assert len(taken) == list((await states(store)).values()).count("leased")

    async def test_urgent_ones_first_in_a_lane(self, store: Workplace) -> None:
        """In a lane too the more urgent jobs are leased first, and none before its time."""
        await join(store, "n1")
        await put(
            store,
            chore("z", lane="x", priority=Priority.LOW),
            chore("y", lane="x"),
            chore("w", lane="x", delay=LATER, priority=Priority.HIGH),
            chore("v", lane="x", priority=Priority.HIGH),
        )

        assert ["v", "y", "z"] == names(await lease(store, "x"))

    async def test_next_due_of_a_lane(self, store: Workplace) -> None:
        """`next_due` looks at one lane; `due_lanes` at every one of the queues that are named."""
        await join(store, "n1")
        await put(store, chore("a", lane="x", delay=LATER), chore("b", lane="x", delay=2 * LATER), chore("c"))
        await put(store, chore("d", lane="y", key="k"), chore("e", lane="y", key="k"), chore("f", lane="z"))
        await store.enqueue([structs.replace(chore("a", lane="x"), queue="second")])
        await store.enqueue([structs.replace(chore("a", lane="x"), queue="third")])
        await lease(store, "z")

        told = dict(await store.due_lanes((QUEUE, "second", "nobody")))

        waits = told.pop((QUEUE, "x"))
        assert {(QUEUE, ""): 0, (QUEUE, "y"): 0, ("second", "x"): 0} == told
        assert LATER - 600_000_000 < waits <= LATER
        assert [0, 0, None, None] == [await store.next_due(QUEUE, lane) for lane in ("", "y", "z", "nobody")]
        later = await store.next_due(QUEUE, "x")
        assert later is not None
        assert LATER - 600_000_000 < later <= LATER
        assert {} == await store.due_lanes(())

    async def test_only_the_lane_without_a_name_is_counted(self, store: Workplace) -> None:
        """`count_waiting` knows nothing of lanes with a name."""
        await put(store, chore("a", key="k"), chore("b", key="k", lane="x"), chore("c", key="o", lane="x"))

        assert {"k": 1} == await store.count_waiting(QUEUE)

    async def test_hints_name_the_lane(self, store: Workplace) -> None:
        """A hint says in which lane a job is due, whatever made it due."""
        await join(store, "n1")
        listener = Listener(store)
        await put(store, chore("a", lane="one", key="k"), chore("b", lane="one", key="k"))
        await listener.hears(f"{JOBS_READY}{QUEUE}/one")
        [first] = await lease(store, "one")
        await _hint(store, "one", lambda: store.settle([JobEnd(first.lease)]))
        [second] = await lease(store, "one")
        await _hint(store, "one", lambda: store.settle([JobEnd(second.lease, second.job)]))
        await put(store, chore("c", lane="two", key="o", delay=LATER))
        await _hint(store, "two", lambda: store.hurry(QUEUE, "o"))
        await lease(store, "two", seconds=0)
        await _hint(store, "two", lambda: store.reap(HOUR))

    async def test_done_again_in_its_lane(self, store: Workplace) -> None:
        """A job that is done once more stays in its lane; cancelled and given back ones do not move either."""
        await join(store, "n1")
        await put(store, chore("a", lane="x"), chore("b", lane="x"))
        [first] = await lease(store, "x", limit=1)
        await store.settle([JobEnd(first.lease, structs.replace(first.job, tries=1))])
        await store.cancel(QUEUE, "b")
        await lease(store, "x", seconds=0)
        await store.reap(HOUR)

        assert [chore("a", lane="x", tries=1)] == [one.job for one in await lease(store, "x")]


async def lease(
    store: Workplace, lane: str, node_id: str = "n1", limit: int = 100, most: int = 0, seconds: float = HOUR
) -> Sequence[Leased]:
    """Lease what is due in a lane."""
    return await store.lease(QUEUE, node_id, seconds, limit, lane, most)


async def _hint(store: Workplace, lane: str, act: Callable[[], Awaitable[object]]) -> None:
    """Hear that a job of a lane is due after doing this."""
    listener = Listener(store)
    await act()
    await listener.hears(f"{JOBS_READY}{QUEUE}/{lane}")
    listener.stop()
