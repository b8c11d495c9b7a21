"""Nodes that come, live, go and die, and the hints they are given."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import structs

from hookstation.core.jobs import JobEnd, Node, Reaped
from hookstation.ports.leases import JOBS_READY
from hookstation.testing.store_cases.making import (
    HOUR,
    LATER,
    QUEUE,
    SECOND,
    Workplace,
    chore,
    join,
    names,
    put,
    release,
    states,
    take,
)

PATIENCE = 10.0
"""Seconds within which a hint that is not lost has to come."""

READY = JOBS_READY + QUEUE


class NodeCases:
    """What nodes owe each other."""

    async def test_nodes_are_listed(self, store: Workplace) -> None:
        """Nodes are shown as they said of themselves, the longest there first, with the store's own times."""
        given = [Node("z", "all", "10.0.0.1:8080", "1.0"), Node("a", "worker", "", "1.1")]
        joined = [await store.join(structs.replace(one, started_at=7, seen_at=7)) for one in given]
        beaten = await store.beat("z")

        found = await store.nodes()

        assert given == [structs.replace(one, started_at=0, seen_at=0) for one in found]
        assert beaten is not None
        assert [joined[0], joined[1]] == [one.started_at for one in found]
        assert [beaten, joined[1]] == [one.seen_at for one in found]
        assert joined[0] <= joined[1] <= beaten

    async def test_joining_twice(self, store: Workplace) -> None:
        """A node that asks again to be let in, because it did not hear the answer, is there once."""
        await join(store, "n1", "n1")

        assert ["n1"] == [one.id for one in await store.nodes()]

    async def test_beat_of_a_stranger(self, store: Workplace) -> None:
        """A node that the store does not know, or not any more, is told so, and is not let in by beating."""
        await join(store, "n1", "n2")
        await store.leave("n1")
        await store.reap(0)

        assert [None, None, None] == [await store.beat(one) for one in ("nobody", "n1", "n2")]
        assert [] == list(await store.nodes())

    async def test_leave(self, store: Workplace) -> None:
        """What a node had leased when it ends is due at once, in its key's order, and its word counts no more."""
        await join(store, "n1", "n2")
        await put(store, chore("a"), chore("c", key="k"), chore("d"))
        late = await take(store, "n1", 2)
        others = await take(store, "n2")
        await put(store, chore("b", key="k"))

        await store.leave("n1")
        await store.leave("nobody")

        assert {"a": "ready", "b": "ready", "c": "behind", "d": "leased"} == await states(store)
        assert ["n2"] == [one.id for one in await store.nodes()]
        assert [False, False] == await release(store, late)
        assert {"a", "b"} == set(names(await take(store, "n2")))
        assert [True] == await release(store, others)

    async def test_reap_the_silent(self, store: Workplace) -> None:
        """A node that has been silent for so long is dead: it is forgotten and its leases end; the others live."""
        await join(store, "dead", "alive")
        await put(store, chore("a"), chore("b"))
        late = await take(store, "dead", 1)
        await take(store, "alive", 1)
        [silent, _] = await store.nodes()
        while (await store.beat("alive") or 0) < silent.seen_at + SECOND // 2:
            pass

        reaped = await store.reap(0.5)

        assert Reaped(("dead",), 1) == reaped
        assert ["alive"] == [one.id for one in await store.nodes()]
        assert {"a": "ready", "b": "leased"} == await states(store)
        assert [False] == await release(store, late)
        assert ["a"] == names(await take(store, "alive"))

    async def test_reap_what_is_over(self, store: Workplace) -> None:
        """A lease whose time is over ends though its node lives; one whose time is not over goes on."""
        await join(store, "n1")
        await put(store, chore("a"), chore("b"))
        over = await take(store, limit=1, seconds=0)
        good = await take(store, limit=1)

        assert [Reaped((), 1), Reaped()] == [await store.reap(HOUR) for _ in range(2)]

        assert [[False], [True]] == [await release(store, one) for one in (over, good)]
        assert {"a": "ready"} == await states(store)

    async def test_reaped_jobs_are_due_now(self, store: Workplace) -> None:
        """A job whose lease ended is due from now on: behind those that were due before."""
        await join(store, "n1")
        await put(store, chore("a"))
        await take(store, seconds=0)
        await put(store, chore("b"))
        await store.reap(HOUR)

        assert ["b", "a"] == names(await take(store))

    async def test_reap_everybody(self, store: Workplace) -> None:
        """When all nodes are dead nobody is left, and every lease has ended."""
        await join(store, "n2", "n1")
        await put(store, chore("a"), chore("b"), chore("c", delay=LATER))
        await take(store, "n1", 1)
        await take(store, "n2", 1)

        reaped = await store.reap(0)

        assert ({"n1", "n2"}, 2) == (set(reaped.nodes), reaped.leases)
        assert [] == list(await store.nodes())
        assert {"a": "ready", "b": "ready", "c": "ready"} == await states(store)
        assert 0 == await store.next_due(QUEUE)

    async def test_reaping_at_once(self, store: Workplace) -> None:
        """Of many who reap at the same time, one finds each node and each lease."""
        nodes = [f"n{n}" for n in range(5)]
        await join(store, *nodes)
        await store.enqueue([chore(f"{n}", key=f"k{n % 3}") for n in range(20)])
        for one in nodes:
            await take(store, one, 1)

        reaped = await asyncio.gather(*(store.reap(0) for _ in range(6)))

        assert sorted(nodes) == sorted(one for found in reaped for one in found.nodes)
        assert 3 == sum(found.leases for found in reaped)


class HintCases:
    """What hints owe; a case waits for each, since none is lost while the store is well."""

    async def test_new_jobs(self, store: Workplace) -> None:
        """Everybody who listens hears once that a queue has a job that is due."""
        first, second = Listener(store), Listener(store)

        await put(store, chore("a"))
        await first.hears(READY)
        await second.hears(READY)
        await put(store, structs.replace(chore("a"), queue="another queue"))
        await first.hears(JOBS_READY + "another queue")

        assert [READY, JOBS_READY + "another queue"] == first.heard

    async def test_nothing_is_ready(self, store: Workplace) -> None:
        """Nobody is told of a job that is not due for long, nor of one that stands behind another."""
        await join(store, "n1")
        await put(store, chore("a", key="k"))
        await take(store)
        listener = Listener(store)

        await put(store, chore("b", delay=LATER), chore("c", key="k"))
        await put(store, structs.replace(chore("a"), queue="another queue"))
        await listener.hears(JOBS_READY + "another queue")

        assert [JOBS_READY + "another queue"] == listener.heard

    async def test_who_stopped_listening(self, store: Workplace) -> None:
        """Who has stopped listening hears nothing more; to stop twice is no harm."""
        gone, stays = Listener(store), Listener(store)
        gone.stop()
        gone.stop()

        await put(store, chore("a"))
        await stays.hears(READY)

        assert [] == gone.heard

    async def test_whatever_makes_a_job_ready(self, store: Workplace) -> None:
        """Listeners hear of a job that is due because it is done again, moved up, hurried or given back."""
        await join(store, "n1")
        await put(store, *(chore(f"{n}", key="k") for n in range(6)), chore("w", key="o", delay=LATER))
        [first] = await take(store)

        await _hint_of(store, lambda: store.settle([JobEnd(first.lease, first.job)]))
        [again] = await take(store)
        await _hint_of(store, lambda: store.settle([JobEnd(again.lease)]))
        await _hint_of(store, lambda: store.cancel(QUEUE, "1"))
        await _hint_of(store, lambda: store.hurry(QUEUE, "o"))
        await take(store, seconds=0)
        await _hint_of(store, lambda: store.reap(HOUR))
        await take(store)
        await _hint_of(store, lambda: store.leave("n1"))


class Listener:
    """Listens to a store's hints."""

    def __init__(self, store: Workplace) -> None:
        self.heard: list[str] = []
        self._more = asyncio.Event()
        self.stop = store.subscribe(self._hear)

    def _hear(self, hint: str) -> None:
        self.heard.append(hint)
        self._more.set()

    async def hears(self, hint: str) -> None:
        """Return when this hint has come; raises `TimeoutError` where it does not."""
        async with asyncio.timeout(PATIENCE):
            while hint not in self.heard:
                self._more.clear()
                await self._more.wait()


async def _hint_of(store: Workplace, act: Callable[[], Awaitable[object]]) -> None:
    """Hear that jobs are ready after doing this."""
    listener = Listener(store)
    await act()
    await listener.hears(READY)
    listener.stop()
