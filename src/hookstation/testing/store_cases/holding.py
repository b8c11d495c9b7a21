"""Events that have to wait behind others of their order key, and what began and ended with them."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from msgspec.structs import replace

from hookstation.core.events import MarkState, Settlement, State
from hookstation.core.jobs import EVENTS, Job, JobEnd, JobState, StoredJob
from hookstation.ports.store import Acceptance, Committed, Hold, Store
from hookstation.testing.store_cases.event_jobs import MINE
from hookstation.testing.store_cases.making import (
    COURSES,
    LATER,
    NOW,
    ends,
    entry,
    event_id,
    event_job,
    fails,
    insert,
    join,
    mark,
    move,
    names,
    put,
    release,
    sends,
    states,
    succeeds,
    take,
    unknown,
)

HELD = Settlement(State.HELD, 202, b"later", "The target refuses our credentials.")
HOLD = Hold("courses", HELD)


class HoldingCases:
    """What is owed to events that have to wait for one another."""

    async def test_nothing_to_wait_for(self, store: Store) -> None:
        """Where no job has the key, an event that would be held goes its way, and its job has no key."""
        done = await store.accept(_holding(1))

        assert done.settlement is not None
        assert State.SENDING is done.settlement.state
        assert done.lease is not None
        assert {event_id(1): "leased"} == await states(store, queue=EVENTS)
        assert {} == await store.count_waiting(EVENTS)

    async def test_held_behind_another(self, store: Store) -> None:
        """Where a job has the key, the event is held behind it: no effect, no lease, no turn, its sender told so."""
        await _hold_first(store)

        done = await store.accept(replace(_holding(2), effect=insert(COURSES, ID="7"), mark=mark(2)))

        assert Committed(HELD) == done
        event = await store.get_event(event_id(2))
        assert event is not None
        assert (State.HELD, 202, b"later", 0) == (
            event.state,
            event.answer_status,
            event.answer_body,
            event.attempts,
        )
        assert HELD.error == event.error
        assert 0 == await store.count_records(COURSES.name)
        held = await store.find_mark("courses", "k1", NOW)
        assert held is not None
        assert MarkState.UNKNOWN is held.state
        job = await store.find_job(EVENTS, event_id(2))
        assert job is not None
        expected = event_job(2, payload="2", key="courses")
        assert StoredJob(expected, JobState.BEHIND, job.due_at) == job

    async def test_held_whatever_would_become_of_it(self, store: Store) -> None:
        """Also an event that would have ended at once, or whose turn is held, waits where others wait."""
        await _hold_first(store)
        await put(store, Job("another queue", "a", turn=b"turn of 3"))

        done = [
            await store.accept(replace(_holding(2), settle=succeeds)),
            await store.accept(_holding(3)),
            await store.accept(replace(_holding(4), settle=fails)),
        ]

        assert [Committed(HELD)] * 3 == done
        assert {"courses": 4} == await store.count_waiting(EVENTS)

    async def test_key_conflict_goes_first(self, store: Store) -> None:
        """A repeat is told whose its dedup key is, and is not held."""
        await _hold_first(store)
        await store.accept(replace(_holding(2), mark=mark(2)))

        done = await store.accept(replace(_holding(3), mark=mark(3)))

        assert done.conflict is not None
        assert event_id(2) == done.conflict.event_id
        assert {"courses": 2} == await store.count_waiting(EVENTS)

    async def test_other_keys_do_not_wait(self, store: Store) -> None:
        """Only events of the same key in the same queue wait."""
        await _hold_first(store)
        await put(store, Job("another queue", "a", key="shop"))

        done = await store.accept(replace(_holding(2), hold=Hold("shop", HELD)))

        assert done.settlement is not None
        assert State.SENDING is done.settlement.state

    async def test_held_while_the_first_is_done(self, store: Store) -> None:
        """An event is held also while the key's head is leased, and comes before what came after it."""
        await join(store, "n1")
        await _hold_first(store)
        await store.accept(_holding(3))
        found = await take(store, queue=EVENTS)
        await store.accept(_holding(2))
        await release(store, found)

        assert [event_id(1)] == names(found)
        assert [event_id(2)] == names(await take(store, queue=EVENTS))

    async def test_order_is_that_of_events(self, store: Store) -> None:
        """An event that is held later but came earlier comes first."""
        await join(store, "n1")
        await store.accept(Acceptance(entry(1), sends, job=event_job(1), holder=MINE))
        await _hold_first(store, 5)
        await store.accept(_holding(6))

        await move(store, 1, State.SENDING, ends(State.HELD), job=event_job(1, key="courses"))

        assert {event_id(1): "ready", event_id(5): "behind", event_id(6): "behind"} == await states(
            store, "courses", EVENTS
        )
        assert [event_id(1)] == names(await take(store, queue=EVENTS))

    async def test_being_done_goes_on(self, store: Store) -> None:
        """Who does a held event keeps its place when it commits the next step, though an earlier event came."""
        await join(store, "n1")
        await store.accept(Acceptance(entry(2), ends(State.HELD), job=event_job(2, key="courses")))
        await store.accept(Acceptance(entry(1), sends, job=event_job(1), holder=MINE))
        [taken] = await take(store, queue=EVENTS)
        await move(store, 1, State.SENDING, ends(State.HELD), job=event_job(1, key="courses"))

        job = event_job(2, key="courses")
        done = await move(store, 2, State.HELD, sends, job=job, holder=MINE, lease=taken.lease)

        assert done.lease is not None
        assert done.lease.token > taken.lease.token
        assert {event_id(1): "behind", event_id(2): "leased"} == await states(store, queue=EVENTS)
        assert [True] == list(await store.settle([JobEnd(done.lease)]))
        assert {event_id(1): "ready"} == await states(store, queue=EVENTS)

    async def test_began_and_ended_once(self, store: Store) -> None:
        """The first job of a key says that it began, and only the going of the last that it ended."""
        first = await _hold_first(store)
        second = await store.accept(_holding(2))
        third = await store.accept(Acceptance(entry(3), ends(State.HELD), job=event_job(3, key="courses")))
        stays = await move(
            store, 1, State.HELD, ends(State.HELD), job=event_job(1, key="courses", delay=LATER)
        )
        freed = await move(store, 1, State.HELD, sends, job=event_job(1), holder=MINE)
        settled = await move(store, 2, State.HELD, succeeds)
        last = await move(store, 3, State.HELD, fails)
        after = await move(store, 1, State.SENDING, succeeds)
        anew = await _hold_first(store, 9)

        told = [
            (one.began, one.ended) for one in (first, second, third, stays, freed, settled, last, after, anew)
        ]
        no = (False, False)
        assert [(True, False), no, no, no, no, no, (False, True), no, (True, False)] == told

    async def test_began_and_ended_by_a_move(self, store: Store) -> None:
        """A job that takes up a key lets it begin; the last one that gives it up, or takes another, lets it end."""
        await store.accept(Acceptance(entry(1), sends, job=event_job(1), holder=MINE))

        told = [
            await move(store, 1, State.SENDING, ends(State.HELD), job=event_job(1, key="k")),
            await move(store, 1, State.HELD, ends(State.HELD), job=event_job(1, key="k")),
            await move(store, 1, State.HELD, ends(State.HELD), job=event_job(1, key="o")),
            await move(store, 1, State.HELD, sends, job=event_job(1), holder=MINE),
            await move(store, 1, State.SENDING, unknown, job=event_job(1)),
        ]

        expected = [(True, False), (False, False), (True, True), (False, True), (False, False)]
        assert expected == [(one.began, one.ended) for one in told]

    async def test_one_begins_at_once(self, store: Store) -> None:
        """Of events that are held at once under a key one hears that it began, of those that end one that it ended."""
        numbers = range(8)
        for number in numbers:
            await store.accept(Acceptance(entry(number), sends, job=event_job(number), holder=MINE))

        failed = await asyncio.gather(
            *(
                move(store, n, State.SENDING, ends(State.HELD), job=event_job(n, key="courses"))
                for n in numbers
            )
        )
        between = await states(store, "courses", EVENTS)
        ended = await asyncio.gather(*(move(store, n, State.HELD, succeeds) for n in numbers))

        assert (1, 0) == (sum(one.began for one in failed), sum(one.ended for one in failed))
        assert (0, 1) == (sum(one.began for one in ended), sum(one.ended for one in ended))
        assert ["ready", *["behind"] * 7] == list(between.values())

    async def test_held_or_not_at_once(self, store: Store) -> None:
        """Events that come while the last one waiting ends are held or sent, and nobody is left behind nothing."""
        await _hold_first(store)

        _, *done = await asyncio.gather(
            move(store, 1, State.HELD, succeeds), *(store.accept(_holding(n)) for n in range(2, 8))
        )

        told = [one.settlement.state for one in done if one.settlement]
        held = [state for state in told if state is State.HELD]
        assert 6 == len(told)
        waiting = await states(store, "courses", EVENTS)
        assert ["ready", *["behind"] * 6][: len(held)] == list(waiting.values())


def _holding(number: int) -> Acceptance:
    """An event that is sent, if nothing waits under `HOLD`."""
    job = event_job(number, payload=f"{number}", turn=b"turn of %d" % number)
    return Acceptance(entry(number), sends, job=job, holder=MINE, hold=HOLD)


async def _hold_first(store: Store, number: int = 1) -> Committed:
    """Accept an event that nobody stood before, but that has to wait."""
    job = event_job(number, key=HOLD.key)
    return await store.accept(Acceptance(entry(number), ends(State.HELD), job=job))
