"""Jobs that are written with an event: leased at once, replaced, finished under a lease."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from hookstation.core.events import Settlement, State
from hookstation.core.jobs import EVENTS, Job, JobEnd, Leased
from hookstation.core.records import EffectResult
from hookstation.ports.leases import CONFIGURATION_CHANGED, JOBS_READY
from hookstation.ports.store import Acceptance, Committed, ConfigurationChange, Holder, Retention, Store
from hookstation.testing.store_cases.making import (
    COURSES,
    DAY,
    HOUR,
    LATER,
    NOW,
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
from hookstation.testing.store_cases.nodes import Listener

MINE = Holder("n1", HOUR)


class EventJobCases:
    """What `accept` and `finish` owe to the job of an event."""

    async def test_job_of_an_open_event(self, store: Store) -> None:
        """The job of an event that is still open is written with it, and nobody holds it."""
        await join(store, "n1")
        given = event_job(1, payload="x", tries=2)

        done = await store.accept(Acceptance(entry(1), sends, job=given))

        assert (None, False, False) == (done.lease, done.began, done.ended)
        [found] = await take(store, queue=EVENTS)
        assert given == found.job

    async def test_no_job_of_a_settled_event(self, store: Store) -> None:
        """No job is written for an event that has ended, nobody holds one, and its turn is free."""
        done = await store.accept(Acceptance(entry(1), succeeds, job=event_job(1, turn=b"t"), holder=MINE))
        other = await store.accept(Acceptance(entry(2), sends, job=event_job(2, turn=b"t")))
        third = await store.accept(Acceptance(entry(3), fails, job=event_job(3, turn=b"t")))

        assert (None, False, False) == (done.lease, done.occupied, other.occupied)
        assert third.settlement is not None
        assert {event_id(2): "ready"} == await states(store, queue=EVENTS)

    async def test_job_that_is_held_at_once(self, store: Store) -> None:
        """A job that is written for a holder is leased to it in the same commit, and settled like any other."""
        await join(store, "n1", "n2")

        done = await store.accept(Acceptance(entry(1), sends, job=event_job(1, delay=LATER), holder=MINE))

        assert done.lease is not None
        assert (EVENTS, event_id(1), "n1") == (done.lease.queue, done.lease.id, done.lease.node)
        assert [] == list(await take(store, "n2", queue=EVENTS))
        assert {event_id(1): "leased"} == await states(store, queue=EVENTS)
        assert [True] == list(await store.settle([JobEnd(done.lease)]))

    async def test_holder_that_dies(self, store: Store) -> None:
        """What a holder had, known to the store or not, is given back as other leases are."""
        await join(store, "n1", "n2")
        await store.accept(Acceptance(entry(1), sends, job=event_job(1), holder=MINE))
        await store.accept(Acceptance(entry(2), sends, job=event_job(2), holder=Holder("stranger", HOUR)))
        await store.accept(Acceptance(entry(3), sends, job=event_job(3), holder=Holder("n2", 0)))

        assert 2 == (await store.reap(HOUR)).leases
        await store.leave("n1")

        assert {event_id(1), event_id(2), event_id(3)} == set(names(await take(store, "n2", queue=EVENTS)))

    async def test_holder_waits_for_its_key(self, store: Store) -> None:
        """A job whose key is being done is leased to nobody: it stands behind."""
        await join(store, "n1")
        first = await store.accept(Acceptance(entry(1), sends, job=event_job(1, key="k"), holder=MINE))

        second = await store.accept(Acceptance(entry(2), sends, job=event_job(2, key="k"), holder=MINE))

        assert first.lease is not None
        assert second.lease is None
        assert {event_id(1): "leased", event_id(2): "behind"} == await states(store, queue=EVENTS)

    async def test_turn_of_another(self, store: Store) -> None:
        """Where another job has the turn, nothing of the event is written, and the caller is told."""
        await store.accept(Acceptance(entry(1), sends, job=event_job(1, turn=b"t")))

        done = await store.accept(
            Acceptance(entry(2), sends, insert(COURSES, ID="7"), mark(2), event_job(2, turn=b"t"), MINE)
        )

        assert Committed(None, occupied=True) == done
        assert await store.get_event(event_id(2)) is None
        assert 0 == await store.count_records(COURSES.name)
        assert await store.find_mark("courses", "k1", NOW) is None
        assert {event_id(1): "ready"} == await states(store, queue=EVENTS)

    async def test_turn_and_key_of_another(self, store: Store) -> None:
        """Who meets both a held dedup key and a held turn is told of the dedup key, to answer as the first was."""
        await store.accept(Acceptance(entry(1), sends, mark=mark(1), job=event_job(1, turn=b"t")))

        done = await store.accept(Acceptance(entry(2), sends, mark=mark(2), job=event_job(2, turn=b"t")))

        assert done.conflict is not None
        assert not done.occupied

    async def test_events_of_one_turn_at_once(self, store: Store) -> None:
        """Of events that come at once with one turn, one is written, and others are in nobody's way."""
        done = await asyncio.gather(
            *(store.accept(Acceptance(entry(n), sends, job=event_job(n, turn=b"t"))) for n in range(10)),
            *(store.accept(Acceptance(entry(n), sends, job=event_job(n))) for n in range(10, 20)),
        )

        assert 9 == sum(one.occupied for one in done)
        assert 11 == sum(one.settlement is not None for one in done)
        assert 11 == len(await states(store, queue=EVENTS))

    async def test_finish_takes_the_job_away(self, store: Store) -> None:
        """Finishing without a new job removes the event's, whoever holds it; with an ended event, also a new one."""
        await join(store, "n1")
        for number in (1, 2, 3):
            await store.accept(Acceptance(entry(number), sends, job=event_job(number, turn=b"%d" % number)))
        taken = await take(store, queue=EVENTS)

        await move(store, 1, State.SENDING, succeeds)
        await move(store, 2, State.SENDING, unknown)
        await move(store, 3, State.SENDING, fails, job=event_job(3))

        assert {} == await states(store, queue=EVENTS)
        assert [False] * 3 == await release(store, taken)
        for number in (1, 2, 3):
            await put(store, Job("another queue", f"{number}", turn=b"%d" % number))

    async def test_finish_replaces_the_job(self, store: Store) -> None:
        """A new job takes the place of the event's, whoever held that one; a late word for it is refused."""
        await join(store, "n1")
        await store.accept(Acceptance(entry(1), sends, job=event_job(1, payload="x", turn=b"t")))
        late = await take(store, queue=EVENTS)
        new = event_job(1, payload="y", tries=1, turn=b"t")

        done = await move(store, 1, State.SENDING, unknown, job=new)

        assert (None, False) == (done.lease, done.occupied)
        assert [False] == await release(store, late)
        [found] = await take(store, queue=EVENTS)
        assert new == found.job
        assert found.lease.token > late[0].lease.token

    async def test_finish_for_a_holder(self, store: Store) -> None:
        """A new job that names a holder is leased to it in the same commit, under a greater token."""
        await join(store, "n1", "n2")
        first = await store.accept(Acceptance(entry(1), sends, job=event_job(1), holder=MINE))

        done = await move(store, 1, State.SENDING, unknown, job=event_job(1), holder=Holder("n2", HOUR))

        assert first.lease is not None
        assert done.lease is not None
        assert "n2" == done.lease.node
        assert done.lease.token > first.lease.token
        assert [False, True] == list(await store.settle([JobEnd(first.lease), JobEnd(done.lease)]))

    async def test_finish_of_an_event_without_a_job(self, store: Store) -> None:
        """An event that had no job gets one: a replay is sent under a lease."""
        await store.accept(Acceptance(entry(1), fails))

        done = await move(store, 1, State.FAILED, sends, job=event_job(1), holder=MINE)

        assert done.lease is not None
        assert {event_id(1): "leased"} == await states(store, queue=EVENTS)

    async def test_finish_under_a_lease(self, store: Store) -> None:
        """Under the job's lease the event moves and the job with it."""
        done = await store.accept(Acceptance(entry(1), sends, job=event_job(1), holder=MINE))

        ended = await move(store, 1, State.SENDING, succeeds, lease=done.lease)

        assert ended.settlement is not None
        assert {} == await states(store, queue=EVENTS)

    async def test_finish_under_a_lease_that_ended(self, store: Store) -> None:
        """A lease that was given back, leased anew, replaced or cancelled moves nothing, and `settle` is not asked."""
        await join(store, "n1")
        leases = []
        for number in range(4):
            job = event_job(number)
            done = await store.accept(Acceptance(entry(number), sends, job=job, holder=Holder("n1", 0)))
            leases.append(done.lease)
        await store.reap(HOUR)
        await store.cancel(EVENTS, event_id(0))
        await take(store, "n1", 1, EVENTS)
        await move(store, 3, State.SENDING, sends, job=event_job(3), holder=MINE)

        told = [
            await move(store, number, State.SENDING, _never, lease=lease, effect=insert(COURSES, ID="7"))
            for number, lease in enumerate(leases)
        ]

        assert [Committed(None)] * 4 == told
        events = [await store.get_event(event_id(number)) for number in range(4)]
        assert [State.SENDING] * 4 == [event and event.state for event in events]
        assert 3 == len(await states(store, queue=EVENTS))

    async def test_finish_of_another_state_under_a_lease(self, store: Store) -> None:
        """An event that is not in an expected state is left alone, and so is its job."""
        done = await store.accept(Acceptance(entry(1), sends, job=event_job(1), holder=MINE))

        ended = await move(store, 1, State.UNKNOWN, _never, lease=done.lease)

        assert Committed(None) == ended
        assert {event_id(1): "leased"} == await states(store, queue=EVENTS)

    async def test_finish_into_the_turn_of_another(self, store: Store) -> None:
        """Where another job has the turn, the event stays as it is, with its job."""
        await store.accept(Acceptance(entry(1), sends, job=event_job(1, turn=b"t")))
        await store.accept(Acceptance(entry(2), sends, mark=mark(2), job=event_job(2, payload="x")))

        done = await move(
            store, 2, State.SENDING, unknown, job=event_job(2, turn=b"t"), effect=insert(COURSES, ID="7")
        )

        assert Committed(None, occupied=True) == done
        event = await store.get_event(event_id(2))
        assert event is not None
        assert State.SENDING is event.state
        kept = await store.find_job(EVENTS, event_id(2))
        assert kept is not None
        assert ("x", b"") == (kept.job.payload, kept.job.turn)
        assert 0 == await store.count_records(COURSES.name)

    async def test_finish_that_raises(self, store: Store) -> None:
        """Where `settle` raises, the event's job stays as it was."""
        await store.accept(Acceptance(entry(1), sends, job=event_job(1, payload="x")))

        await asyncio.gather(move(store, 1, State.SENDING, _never), return_exceptions=True)

        assert {event_id(1): "ready"} == await states(store, queue=EVENTS)

    async def test_many_finish_at_once(self, store: Store) -> None:
        """Events that are finished at once, each under its lease, all end, and no job is left."""
        await join(store, "n1")
        await asyncio.gather(
            *(store.accept(Acceptance(entry(n), sends, job=event_job(n))) for n in range(120))
        )
        taken = await take(store, limit=200, queue=EVENTS)

        done = await asyncio.gather(
            *(
                move(store, number, State.SENDING, succeeds, lease=one.lease)
                for number, one in enumerate(sorted(taken, key=_by_id))
            )
        )

        assert 120 == sum(one.settlement is not None for one in done)
        assert {} == await states(store, queue=EVENTS)

    async def test_prune_takes_the_job(self, store: Store) -> None:
        """A job that is left of an event goes with it, and the next of its key moves up."""
        await store.accept(Acceptance(entry(1), fails))
        await put(store, event_job(1, key="k"), event_job(2, key="k"))

        assert 1 == await store.prune(Retention(before=NOW + DAY, now=NOW + DAY), 100)

        assert {event_id(2): "ready"} == await states(store, queue=EVENTS)

    async def test_hints_of_events(self, store: Store) -> None:
        """Listeners hear of an event's job that is free to be done, and of a configuration that was changed."""
        held, free, changed = Listener(store), Listener(store), Listener(store)
        await store.accept(Acceptance(entry(1), sends, job=event_job(1), holder=MINE))
        await store.save_configuration(ConfigurationChange(connections={"imis": "{}"}), 0)
        await held.hears(CONFIGURATION_CHANGED)
        told = list(held.heard)
        await store.accept(Acceptance(entry(2), sends, job=event_job(2)))
        await free.hears(JOBS_READY + EVENTS)
        changed.heard.clear()
        await move(store, 1, State.SENDING, unknown, job=event_job(1))
        await changed.hears(JOBS_READY + EVENTS)

        assert [CONFIGURATION_CHANGED] == told


def _by_id(one: Leased) -> str:
    return one.job.id


def _never(effect: EffectResult | None) -> Settlement:
    raise AssertionError(effect)
