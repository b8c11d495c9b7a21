"""Jobs of a key are done one after the other; a turn is held by one job at a time."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from msgspec import structs

from hookstation.core.jobs import Job, JobEnd, JobState, Priority
from hookstation.errors import Conflict
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


class KeyedCases:
    """What the order of a key owes."""

    async def test_one_after_the_other(self, store: Workplace) -> None:
        """Jobs of a key are leased one at a time in the order of their ids, however they came."""
        await join(store, "n1", "n2")
        await store.enqueue([chore(one, key="k") for one in "cadb"])
        order: list[str] = []
        for _ in range(4):
            found = await take(store, "n1")
            order += names(found)
            assert [] == list(await take(store, "n2"))
            await release(store, found)

        assert list("abcd") == order

    async def test_only_the_first_is_ready(self, store: Workplace) -> None:
        """Of a key one job is ready or leased, and the others stand behind it; other keys and none do not wait."""
        await join(store, "n1")
        await put(store, chore("b", key="k"), chore("c", key="k"), chore("d", key="o"), chore("e"))
        waiting = await states(store)

        assert ["b", "d", "e"] == names(await take(store))
        assert {"b": "ready", "c": "behind", "d": "ready", "e": "ready"} == waiting
        assert {"b": "leased", "c": "behind", "d": "leased", "e": "leased"} == await states(store)

    async def test_same_key_in_another_queue(self, store: Workplace) -> None:
        """A key is its queue's: the same one elsewhere is another."""
        await join(store, "n1")
        await put(store, chore("a", key="k"), structs.replace(chore("b", key="k"), queue="another queue"))

        assert [["a"], ["b"]] == [names(await take(store, queue=one)) for one in (QUEUE, "another queue")]

    async def test_smaller_id_comes_late(self, store: Workplace) -> None:
        """A job that comes later with a smaller id comes first, but not before one that is being done."""
        await join(store, "n1")
        await put(store, chore("m", key="k"), chore("z", key="k"), chore("f", key="k"))
        before = await states(store)
        found = await take(store)
        await put(store, chore("a", key="k"))
        during = await states(store)
        await release(store, found)

        assert {"f": "ready", "m": "behind", "z": "behind"} == before
        assert {"a": "behind", "f": "leased", "m": "behind", "z": "behind"} == during
        assert ["a"] == names(await take(store))

    async def test_delayed_head_parks_its_key(self, store: Workplace) -> None:
        """A job that is to be done later keeps its place: the others of its key wait for it."""
        await join(store, "n1")
        await put(store, chore("a", key="k"), chore("b", key="k"), chore("c"))
        found = await take(store, limit=1)

        await store.settle([JobEnd(found[0].lease, chore("a", key="k", delay=LATER))])

        assert ["c"] == names(await take(store))
        assert {"a": "ready", "b": "behind"} == await states(store, "k")
        assert 1 == await store.hurry(QUEUE, "k")
        assert ["a"] == names(await take(store))

    async def test_delayed_job_with_a_greater_id(self, store: Workplace) -> None:
        """A job that waits for its time gives way to one that comes with a smaller id."""
        await join(store, "n1")
        await put(store, chore("b", key="k", delay=LATER), chore("a", key="k"))

        found = await take(store)
        await release(store, found)

        assert ["a"] == names(found)
        assert {"b": "ready"} == await states(store)
        assert [] == list(await take(store))

    async def test_released_behind_a_smaller_id(self, store: Workplace) -> None:
        """A job that is to be done again stands behind one with a smaller id that came meanwhile."""
        await join(store, "n1")
        await put(store, chore("b", key="k"))
        [found] = await take(store)
        await put(store, chore("a", key="k"))

        await store.settle([JobEnd(found.lease, chore("b", key="k"))])

        assert {"a": "ready", "b": "behind"} == await states(store)

    async def test_next_moves_up(self, store: Workplace) -> None:
        """When a job is settled or cancelled, ready or leased, the next of its key moves up, due as it was."""
        await join(store, "n1")
        await put(store, *(chore(one, key="k") for one in "abcd"))
        due = {one.job.id: one.due_at for one in await store.list_jobs(QUEUE, "k", 9)}
        await store.cancel(QUEUE, "a")
        waiting = await states(store)
        await take(store)
        await store.cancel(QUEUE, "b")
        moved = await states(store)
        await store.cancel(QUEUE, "d")
        found = await take(store)

        assert {"b": "ready", "c": "behind", "d": "behind"} == waiting
        assert {"c": "ready", "d": "behind"} == moved
        assert ["c"] == names(found)
        last = await store.find_job(QUEUE, "c")
        assert last is not None
        assert due["c"] == last.due_at

    async def test_given_back_in_order(self, store: Workplace) -> None:
        """A job whose lease ended stands in its key's order again."""
        await join(store, "n1")
        await put(store, chore("b", key="k"), chore("c", key="k"))
        await take(store, seconds=0)
        await put(store, chore("a", key="k"))

        await store.reap(HOUR)

        assert {"a": "ready", "b": "behind", "c": "behind"} == await states(store)

    async def test_many_keys_settled_together(self, store: Workplace) -> None:
        """When jobs of many keys end in one call, the next of each moves up."""
        await join(store, "n1")
        await store.enqueue([chore(f"{n:02}", key=f"k{n % 5}") for n in range(30)])
        rounds: list[list[str]] = []
        for _ in range(6):
            found = await take(store)
            rounds.append(sorted(names(found)))
            await release(store, found)

        assert [[f"{n:02}" for n in range(first, first + 5)] for first in range(0, 30, 5)] == rounds
        assert {} == await states(store)

    async def test_no_two_of_a_key_at_once(self, store: Workplace) -> None:
        """While nodes enqueue, lease and settle at once, no two jobs of a key are ever being done, and all get done."""
        nodes = ["n1", "n2", "n3"]
        await join(store, *nodes)
        doing: set[str] = set()
        done: list[str] = []

        async def enqueue(start: int) -> None:
            for number in range(start, 60, 3):
                await store.enqueue([chore(f"{number:02}", key=f"k{number % 4}")])

        async def work(name: str) -> None:
            while not {f"{n:02}" for n in range(60)} <= set(done):
                found = await take(store, name, 2)
                keys = {one.job.key for one in found}
                assert len(found) == len(keys)
                assert not doing & keys
                doing.update(keys)
                await asyncio.sleep(0)
                doing.difference_update(keys)
                await release(store, found)
                done.extend(names(found))

        await asyncio.gather(*(enqueue(start) for start in range(3)), *(work(name) for name in nodes))

        assert len(done) == len(set(done))

    async def test_priority_within_a_key(self, store: Workplace) -> None:
        """The order of a key goes before priority; between keys priority goes first."""
        await join(store, "n1")
        await put(
            store,
            chore("a", key="k", priority=Priority.LOW),
            chore("b", key="k", priority=Priority.HIGH),
            chore("c", key="o"),
        )

        assert ["c", "a"] == names(await take(store))


class TurnCases:
    """What a turn owes."""

    async def test_turn_is_held_by_one(self, store: Workplace) -> None:
        """A job whose turn another one holds, in whatever queue, is refused, and with it all that came with it."""
        await put(store, chore("a", turn=b"t"))
        other = Job("another queue", "b", turn=b"t")

        refused = await _refusals(store, [chore("c"), other], [chore("c"), chore("d", turn=b"t")])

        assert [Conflict, Conflict] == refused
        assert {"a": "ready"} == await states(store)
        assert {} == await states(store, queue="another queue")

    async def test_turn_twice_in_one_call(self, store: Workplace) -> None:
        """Of jobs that come together with one turn none is written."""
        assert [Conflict] == await _refusals(store, [chore("a", turn=b"t"), chore("b", turn=b"t")])
        assert {} == await states(store)

    async def test_job_that_is_there_holds_its_own_turn(self, store: Workplace) -> None:
        """A job that is there already is left alone, though the turn it brings is held."""
        await put(store, chore("a", turn=b"t"))

        assert [False, True] == list(await store.enqueue([chore("a", turn=b"t"), chore("b", turn=b"u")]))

    async def test_no_turn(self, store: Workplace) -> None:
        """Jobs without a turn are in nobody's way."""
        assert [True, True] == list(await store.enqueue([chore("a"), chore("b")]))

    async def test_turn_goes_with_its_job(self, store: Workplace) -> None:
        """A turn is held while its job is leased, and is free when the job is done or cancelled."""
        await join(store, "n1")
        await put(store, chore("a", turn=b"t"))
        found = await take(store)
        refused = await _refusals(store, [chore("b", turn=b"t")])
        await release(store, found)
        await put(store, chore("c", turn=b"t"))
        await store.cancel(QUEUE, "c")
        await put(store, chore("d", turn=b"t"))

        assert [Conflict] == refused
        assert {"d": "ready"} == await states(store)

    async def test_turn_is_kept_or_given_up(self, store: Workplace) -> None:
        """A job that is to be done again holds the turn that is said then, and none where none is said."""
        await join(store, "n1")
        await put(store, chore("a", turn=b"t"))
        for turn in (b"t", b""):
            [found] = await take(store)
            await store.settle([JobEnd(found.lease, chore("a", turn=turn))])
            kept = await store.find_job(QUEUE, "a")
            assert kept is not None
            assert (JobState.READY, turn) == (kept.state, kept.job.turn)

        await put(store, chore("b", turn=b"t"))

    async def test_put_back_into_a_turn_that_is_held(self, store: Workplace) -> None:
        """Who puts a job back with the turn of another is refused, and all that was said with it: the leases stand."""
        await join(store, "n1")
        await put(store, chore("a"), chore("b"), chore("c", turn=b"t", delay=LATER))
        ended, again = await take(store)

        [refused] = await asyncio.gather(
            store.settle([JobEnd(ended.lease), JobEnd(again.lease, chore("b", turn=b"t"))]),
            return_exceptions=True,
        )

        assert isinstance(refused, Conflict)
        assert {"a": "leased", "b": "leased", "c": "ready"} == await states(store)
        await store.cancel(QUEUE, "c")
        ends = [JobEnd(ended.lease), JobEnd(again.lease, chore("b", turn=b"t"))]
        assert [True, True] == list(await store.settle(ends))

    async def test_one_turn_at_once(self, store: Workplace) -> None:
        """Of jobs that come at once with one turn, one is written."""
        told = await _refusals(store, *([chore(f"{n}", turn=b"t")] for n in range(8)))

        assert 7 == len(told)
        assert {Conflict} == set(told)
        assert 1 == len(await states(store))


async def _refusals(store: Workplace, *calls: list[Job]) -> list[type]:
    """What the calls that come at once are refused with."""
    told = await asyncio.gather(*(store.enqueue(call) for call in calls), return_exceptions=True)
    return [type(one) for one in told if isinstance(one, BaseException)]
