"""Jobs: what is leased to whom and when, and what a lease is worth."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from msgspec import structs

from hookstation.core.jobs import JobEnd, JobState, Lease, Priority, StoredJob
from hookstation.testing.store_cases.making import (
    HOUR,
    LATER,
    QUEUE,
    Workplace,
    chore,
    join,
    names,
    node,
    put,
    release,
    states,
    take,
)


class QueueCases:
    """What queues owe."""

    async def test_job_comes_back_whole(self, store: Workplace) -> None:
        """A leased job has every field as it was given, but for the delay that is over."""
        await join(store, "n1")
        given = chore(
            "ä" * 64, payload="{“x”: \\u0000}", key="k", priority=Priority.HIGH, tries=3, turn=b"\0\xff"
        )
        await put(store, given)

        [found] = await take(store, "n1")

        assert given == found.job
        assert (QUEUE, given.id, "n1") == (found.lease.queue, found.lease.id, found.lease.node)

    async def test_job_is_read_back(self, store: Workplace) -> None:
        """A job shows what it is, how it stands, when it is due by the store's clock, and who holds it."""
        began = await store.join(node("n1"))
        given = chore("a", payload="x", key="k", tries=2)
        await put(store, given, chore("b", delay=LATER, key="k"))
        waiting = await store.find_job(QUEUE, "a")
        behind = await store.find_job(QUEUE, "b")
        await take(store, "n1")
        held = await store.find_job(QUEUE, "a")
        ended = await store.beat("n1")

        assert waiting is not None
        assert behind is not None
        assert held is not None
        assert ended is not None
        assert StoredJob(given, JobState.READY, waiting.due_at) == waiting
        assert (JobState.LEASED, "n1", given) == (held.state, held.node, held.job)
        assert began <= waiting.due_at <= ended
        assert (JobState.BEHIND, 0) == (behind.state, behind.job.delay)
        assert began + LATER <= behind.due_at <= ended + LATER
        assert await store.find_job(QUEUE, "nobody") is None
        assert await store.find_job("another queue", "a") is None

    async def test_an_id_is_there_once(self, store: Workplace) -> None:
        """A job whose id its queue has, leased or not, or twice in one call, is left alone; the others are written."""
        await join(store, "n1")
        await put(store, chore("a", payload="first"), chore("b"))
        await take(store, limit=1)

        written = await store.enqueue(
            [chore("a", payload="second"), chore("c", payload="first"), chore("b"), chore("c")]
        )

        assert [False, True, False, False] == list(written)
        kept = [await store.find_job(QUEUE, one) for one in ("a", "c")]
        assert ["first", "first"] == [one and one.job.payload for one in kept]
        assert [True] == list(await store.enqueue([structs.replace(chore("a"), queue="another queue")]))
        assert [] == list(await store.enqueue([]))

    async def test_urgent_ones_first(self, store: Workplace) -> None:
        """Of the jobs that are due the more urgent are leased first, among these the longest due."""
        await join(store, "n1")
        await put(
            store,
            chore("z", priority=Priority.LOW),
            chore("y"),
            chore("x"),
            chore("w", priority=Priority.HIGH),
            chore("v", priority=Priority.HIGH, delay=LATER),
            chore("u", priority=Priority.HIGH),
        )

        assert [["w"], ["u", "y"], ["x", "z"], []] == [
            names(await take(store, limit=limit)) for limit in (1, 2, 9, 9)
        ]

    async def test_delay(self, store: Workplace) -> None:
        """A job is not leased before its time, however many there are; those behind it in the queue are."""
        await join(store, "n1")
        await store.enqueue([chore(f"later {n:03}", delay=LATER + n) for n in range(300)])
        await put(store, chore("now"))

        assert ["now"] == names(await take(store, limit=9))

    async def test_queues_are_apart(self, store: Workplace) -> None:
        """Only jobs of the queue that is asked for are leased."""
        await join(store, "n1")
        await put(store, chore("a"))

        assert [] == list(await take(store, queue="another queue"))
        assert ["a"] == names(await take(store))

    async def test_unknown_nodes_get_nothing(self, store: Workplace) -> None:
        """A node that has not joined, has left, or was found dead, is given no job."""
        await put(store, chore("a"))
        await join(store, "n1", "n2")
        await store.leave("n1")
        strangers = [await take(store, "nobody"), await take(store, "n1")]
        await store.reap(0)
        strangers.append(await take(store, "n2"))

        assert [[], [], []] == [list(one) for one in strangers]
        assert {"a": "ready"} == await states(store)

    async def test_next_due(self, store: Workplace) -> None:
        """`next_due` says how long until a job is due; leased ones and those behind others do not count."""
        await join(store, "n1")
        empty = await store.next_due(QUEUE)
        await put(store, chore("a", delay=LATER), chore("b", delay=2 * LATER))
        waiting = await store.next_due(QUEUE)
        await put(store, chore("c", key="k"), chore("d", key="k"))
        ready = await store.next_due(QUEUE)
        await take(store)
        held = await store.next_due(QUEUE)

        assert (None, 0) == (empty, ready)
        assert waiting is not None
        assert held is not None
        assert LATER - 600_000_000 < held <= waiting <= LATER
        assert await store.next_due("another queue") is None

    async def test_list(self, store: Workplace) -> None:
        """Jobs are listed in the order of their ids, page by page, of one key or of any and none."""
        await join(store, "n1")
        await put(
            store, chore("c", key="k"), chore("a"), chore("b", key="k", delay=LATER), chore("d", key="o")
        )
        await take(store, limit=1)

        every = [names(await store.list_jobs(QUEUE, "", 2, after)) for after in ("", "b", "d")]
        assert [["a", "b"], ["c", "d"], []] == every
        assert ["b", "c"] == names(await store.list_jobs(QUEUE, "k", 9))
        assert ["c"] == names(await store.list_jobs(QUEUE, "k", 9, "b"))
        assert [] == list(await store.list_jobs(QUEUE, "nobody", 9))
        assert [] == list(await store.list_jobs("another queue", "", 9))

    async def test_count(self, store: Workplace) -> None:
        """Jobs are counted by key, whether ready, leased, delayed or behind; those without a key are not."""
        await join(store, "n1")
        await put(
            store, chore("a", key="k"), chore("b", key="k", delay=LATER), chore("c", key="o"), chore("d")
        )
        await take(store)

        assert {"k": 2, "o": 1} == await store.count_waiting(QUEUE)
        assert {} == await store.count_waiting("another queue")

    async def test_hurry(self, store: Workplace) -> None:
        """What waits for its time under a key is due now, also behind others; what is due or leased stays as it is."""
        await join(store, "n1")
        await put(
            store, chore("b", key="k", delay=LATER), chore("c", key="k"), chore("d", key="k", delay=LATER)
        )
        await put(store, chore("e", key="o", delay=LATER), chore("f", key="p"))
        await take(store)

        assert [2, 0, 0, 0] == [await store.hurry(QUEUE, key) for key in ("k", "k", "p", "nobody")]

        taken: list[str] = []
        for _ in range(4):
            found = await take(store)
            taken += names(found)
            await release(store, found)
        assert ["b", "c", "d"] == taken
        assert {"e": "ready"} == await states(store, "o")


class LeaseCases:
    """What a lease owes, and to whom it owes nothing."""

    async def test_settled_job_is_gone(self, store: Workplace) -> None:
        """A job that is done is gone; the same lease settles nothing afterwards."""
        await join(store, "n1")
        await put(store, chore("a"))
        taken = await take(store)

        assert [[True], [False]] == [await release(store, taken) for _ in range(2)]
        assert await store.find_job(QUEUE, "a") is None

    async def test_done_once_more(self, store: Workplace) -> None:
        """A job that is to be done again is as it was said then, and is leased under a greater token."""
        await join(store, "n1")
        await put(store, chore("a", payload="x"))
        [first] = await take(store)
        again = chore("a", payload="y", tries=1, priority=Priority.LOW)

        assert [True] == list(await store.settle([JobEnd(first.lease, again)]))

        [second] = await take(store)
        assert again == second.job
        assert second.lease.token > first.lease.token

    async def test_done_later(self, store: Workplace) -> None:
        """A job that is to be done later waits for its time, and nobody holds it."""
        await join(store, "n1")
        await put(store, chore("a"))
        [taken] = await take(store)

        await store.settle([JobEnd(taken.lease, chore("a", delay=LATER, tries=1))])

        assert [] == list(await take(store))
        waiting = await store.find_job(QUEUE, "a")
        assert waiting is not None
        assert (JobState.READY, "", 1) == (waiting.state, waiting.node, waiting.job.tries)

    async def test_some_are_stale(self, store: Workplace) -> None:
        """Of many ends the stale ones change nothing, and each is told of its own."""
        await join(store, "n1")
        await put(store, *(chore(f"{n}") for n in range(6)))
        taken = await take(store)
        leases = [one.lease for one in taken]
        await store.cancel(QUEUE, "1")
        await store.settle([JobEnd(leases[2], chore("2"))])

        told = await store.settle(
            [
                JobEnd(leases[0]),
                JobEnd(leases[1]),
                JobEnd(leases[2]),
                JobEnd(leases[3], chore("3", payload="again")),
                JobEnd(structs.replace(leases[4], node="n2"), chore("4", payload="of another node")),
                JobEnd(structs.replace(leases[5], token=leases[5].token + 1)),
                JobEnd(Lease(QUEUE, "nobody", "n1", 1)),
                JobEnd(structs.replace(leases[4], queue="another queue")),
            ]
        )

        assert [True, False, False, True, False, False, False, False] == list(told)
        assert {"2": "ready", "3": "ready", "4": "leased", "5": "leased"} == await states(store)
        kept = [await store.find_job(QUEUE, one) for one in ("3", "4")]
        assert ["again", ""] == [one and one.job.payload for one in kept]
        assert [] == list(await store.settle([]))

    async def test_late_after_reaping(self, store: Workplace) -> None:
        """A lease whose time was over and that was given back settles nothing, before and after the next one."""
        await join(store, "n1", "n2")
        await put(store, chore("a"))
        late = await take(store, seconds=0)
        await store.reap(HOUR)

        before = await release(store, late)
        now = await take(store, "n1")
        after = [*await release(store, late), *await store.settle([JobEnd(late[0].lease, chore("a"))])]

        assert ([False], [False, False]) == (before, after)
        assert now[0].lease.token > late[0].lease.token
        assert {"a": "leased"} == await states(store)
        assert [True] == await release(store, now)

    async def test_over_but_not_given_back(self, store: Workplace) -> None:
        """A lease whose time is over is good until the job is given to somebody else, or given back."""
        await join(store, "n1", "n2")
        await put(store, chore("a"))
        taken = await take(store, seconds=0)

        assert [] == list(await take(store, "n2"))
        assert [True] == await release(store, taken)

    async def test_cancel(self, store: Workplace) -> None:
        """A cancelled job is gone, also from who was doing it, whose word then counts for nothing."""
        await join(store, "n1")
        await put(store, chore("a"), chore("b"), chore("c", delay=LATER))
        taken = await take(store, limit=1)

        assert [True, True, True, False] == [await store.cancel(QUEUE, one) for one in ("a", "b", "c", "a")]
        assert [False] == await release(store, taken)
        assert not await store.cancel("another queue", "a")
        assert {} == await states(store)

    async def test_token_grows_beyond_removal(self, store: Workplace) -> None:
        """A job that is made again under the id of one that went is leased under a greater token."""
        await join(store, "n1")
        tokens: list[int] = []
        for _ in range(3):
            await put(store, chore("a"))
            [settled] = await take(store)
            await release(store, [settled])
            await put(store, chore("a"))
            [cancelled] = await take(store)
            await store.cancel(QUEUE, "a")
            tokens += [settled.lease.token, cancelled.lease.token]

        assert sorted(set(tokens)) == tokens
        await put(store, chore("a"))
        await take(store)
        assert [False] == await release(store, [cancelled])

    async def test_one_job_for_each(self, store: Workplace) -> None:
        """Of many nodes that lease at once no two are given one job, and nothing is left over."""
        nodes = [f"n{n}" for n in range(6)]
        await join(store, *nodes)
        await store.enqueue([chore(f"{n:03}") for n in range(120)])

        found = await asyncio.gather(*(take(store, node, 7) for node in nodes * 4))

        everything = [name for one in found for name in names(one)]
        assert {f"{n:03}" for n in range(120)} == {*everything, *names(await take(store))}
        assert len(everything) == len(set(everything))
        assert [True] * len(everything) == await release(store, [lease for one in found for lease in one])

    async def test_settled_once_at_once(self, store: Workplace) -> None:
        """Of ends and a cancelling that come at once for one job, one counts."""
        await join(store, "n1")
        await put(store, chore("a"))
        taken = await take(store)

        *told, cancelled = await asyncio.gather(
            *(release(store, taken) for _ in range(4)), _cancel(store, "a")
        )

        assert 1 == sum(one for [one] in told) + sum(cancelled)


async def _cancel(store: Workplace, job_id: str) -> list[bool]:
    return [await store.cancel(QUEUE, job_id)]
