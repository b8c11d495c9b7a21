"""Events out: written by themselves or with what caused them, and found again."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import structs

from hookstation.core.events import Attempt, Settlement, State
from hookstation.core.jobs import EVENTS
from hookstation.core.outgoing.values import DeliveryState, Emission, Trouble
from hookstation.core.records import EffectResult
from hookstation.ports.store import Acceptance, ConfigurationChange, Emit, Finish, Holder, Store
from hookstation.testing.store_cases.making import (
    COURSES,
    HOUR,
    NOW,
    SECOND,
    ends,
    entry,
    event_id,
    event_job,
    fails,
    insert,
    join,
    journal,
    mark,
    move,
    sends,
    succeeds,
    take,
)
from hookstation.testing.store_cases.outgoing import (
    SHOP,
    arrive,
    dead,
    delivery_id,
    emission,
    event_out,
    listed,
    send,
    shown,
)

waits = ends(State.WORKING, 202)


class EmittingCases:
    """What `emit`, `Acceptance.emit` and `Finish.emit` owe."""

    async def test_emit(self, store: Store) -> None:
        """What is emitted is there whole, by its id."""
        given = [emission(1, SHOP, "crm"), structs.replace(emission(2, key="x"), deliveries=())]

        assert [event_id(1), event_id(2)] == list(await store.emit(given))

        assert [one.event for one in given] == [await store.get_event_out(event_id(n)) for n in (1, 2)]
        assert await store.get_event_out("nobody") is None
        assert await store.get_delivery("nobody") is None
        assert [] == list(await store.emit([]))
        assert [SHOP, "crm"] == [(await shown(store, delivery_id(1, n))).destination for n in (0, 1)]

    async def test_an_idempotency_key_is_there_once(self, store: Store) -> None:
        """An event with a key that is there already, or comes twice at once, is not written; its own is named."""
        first = Emission(event_out(1, key="order-7"), emission(1).deliveries)
        second = Emission(event_out(2, key="order-7"), emission(2).deliveries)
        third = Emission(event_out(3, key="order-8"), emission(3).deliveries)
        fourth = Emission(event_out(4, key="order-8"), emission(4).deliveries)

        told = [list(await store.emit([first])), list(await store.emit([second, third, fourth, emission(5)]))]

        assert [[event_id(1)], [event_id(1), event_id(3), event_id(3), event_id(5)]] == told
        assert [event_id(n) for n in (5, 3, 1)] == [one.id for one in await store.list_events_out(9)]
        assert [delivery_id(n) for n in (5, 3, 1)] == await listed(store)

    async def test_one_key_by_many_at_once(self, store: Store) -> None:
        """Of many who raise an event under one key at the same moment, all are told the one that stands."""
        given = [Emission(event_out(n, key="order-7"), emission(n).deliveries) for n in range(1, 9)]

        told = await asyncio.gather(*(store.emit([one]) for one in given))

        [standing] = await store.list_events_out(9)
        assert {standing.id} == {one for ids in told for one in ids}
        assert 1 == len(await listed(store))

    async def test_accepted_with_what_it_causes(self, store: Store) -> None:
        """An accepted event is told how it stands and what it did, and what it returns is there with it."""
        await join(store, "n1")
        asked: list[tuple[State, str]] = []
        emit = _noting(asked, emission(1, SHOP, "crm", source=event_id(1)))

        await store.accept(Acceptance(entry(1), succeeds, insert(COURSES, ID="7"), emit=emit))

        assert (State.SUCCEEDED, "7|1") == asked[-1]
        [found] = await send(store)
        assert event_out(1, source=event_id(1)) == found.event

    async def test_a_rejected_call_causes_something_too(self, store: Store) -> None:
        """What is only noted may tell others too."""
        store.note(Acceptance(entry(1), ends(State.REJECTED, 400), emit=_noting([], emission(1))))
        await journal(store, 2)

        assert event_out(1) == await store.get_event_out(event_id(1))

    async def test_what_was_not_accepted_causes_nothing(self, store: Store) -> None:
        """Where another event holds the key, the turn or the id, nothing goes out; others of the batch are unharmed."""
        await store.accept(Acceptance(entry(1), succeeds, mark=mark(1)))
        asked: list[tuple[State, str]] = []
        emits = [_noting(asked, emission(number)) for number in (2, 3, 4)]
        given = [
            Acceptance(entry(2), succeeds, mark=mark(2), emit=emits[0]),
            Acceptance(entry(3), succeeds, emit=emits[1]),
            Acceptance(entry(1), succeeds, emit=emits[2]),
        ]

        await asyncio.gather(*(store.accept(one) for one in given), return_exceptions=True)

        assert [event_id(3)] == [one.id for one in await store.list_events_out(9)]
        assert [delivery_id(3)] == await listed(store)

    async def test_many_that_tell_others_at_once(self, store: Store) -> None:
        """Events that are committed together bring all that they cause, in the order of their keys."""
        await join(store, "n1")
        many = range(1, 120)
        await asyncio.gather(
            *(
                store.accept(Acceptance(entry(n), succeeds, emit=_noting([], emission(n, key=f"k{n % 2}"))))
                for n in many
            )
        )

        assert [delivery_id(n) for n in reversed(many)] == await listed(store, 200)
        assert {delivery_id(1), delivery_id(2)} == {one.delivery.id for one in await send(store)}

    async def test_finished_with_what_it_causes(self, store: Store) -> None:
        """A finished event brings what it causes; one that is not in an expected state, or lost its lease, nothing."""
        await join(store, "n1")
        asked: list[tuple[State, str]] = []
        done = await store.accept(Acceptance(entry(1), sends, job=event_job(1), holder=Holder("n1", HOUR)))
        finish = Finish(event_id(1), frozenset({State.SENDING}), succeeds, NOW, lease=done.lease)
        lost = structs.replace(done.lease, token=1) if done.lease else None

        for number, lease in ((2, lost), (3, done.lease), (4, done.lease)):
            finish.emit, finish.lease = _noting(asked, emission(number)), lease
            await store.finish(finish)

        assert [(State.SUCCEEDED, "")] == asked
        assert [event_id(3)] == [one.id for one in await store.list_events_out(9)]

    async def test_events_out_are_listed(self, store: Store) -> None:
        """Events out are listed newest first, page by page, of one type, of the types that begin so, or all."""
        types = ["record.inserted", "record.updated", "test", "record.inserted", "inbound.courses"]
        await store.emit([emission(n, type_=type_) for n, type_ in enumerate(types, 1)])

        async def numbers(limit: int = 9, after: str = "", type_: str = "") -> list[int]:
            return [int(one.id[-1]) for one in await store.list_events_out(limit, after, type_)]

        assert [5, 4] == await numbers(2)
        assert [3, 2] == await numbers(2, event_id(4))
        assert [4, 1] == await numbers(type_="record.inserted")
        assert [4, 2, 1] == await numbers(type_="record.*")
        assert [4, 2] == await numbers(2, type_="record.*")
        assert [1] == await numbers(2, event_id(2), type_="record.*")
        assert [5, 4, 3, 2, 1] == await numbers(type_="*")
        assert [] == await numbers(type_="record")


class DeliveryListCases:
    """What the list of deliveries owes."""

    async def test_newest_first(self, store: Store) -> None:
        """Deliveries are listed newest first, page by page."""
        await store.emit([emission(n, SHOP, "crm") for n in (1, 2, 3)])

        every = [delivery_id(n, place) for n in (3, 2, 1) for place in (1, 0)]
        assert every == await listed(store)
        assert every[:4] == await listed(store, 4)
        assert every[4:] == await listed(store, 4, every[3])

    async def test_filters(self, store: Store) -> None:
        """Every filter lets exactly its own pass, alone and together with others."""
        await join(store, "n1")
        types = ["record.inserted", "record.updated", "test", "record.inserted"]
        await store.emit([emission(n, SHOP, "crm", type_=type_) for n, type_ in enumerate(types, 1)])
        [first, second, _, _] = await send(store)
        await store.settle_deliveries([dead(first), dead(second)])
        await arrive(store, "crm")
        await store.cancel_deliveries([delivery_id(4)], NOW)

        dying = frozenset({DeliveryState.DEAD})
        both = frozenset({DeliveryState.DEAD, DeliveryState.CANCELLED})
        server = frozenset({Trouble.SERVER})
        ids = {
            "destination": await listed(store, destination=SHOP),
            "states": await listed(store, states=dying),
            "both": await listed(store, states=both, destination=SHOP),
            "trouble": await listed(store, troubles=server | {Trouble.BUSY}),
            "no trouble": await listed(store, troubles=frozenset({Trouble.NONE}), destination="crm"),
            "type": await listed(store, type="record.inserted"),
            "types": await listed(store, type="record.*", states=dying),
            "event": await listed(store, event_id=event_id(2)),
            "since": await listed(store, since=NOW + 3 * SECOND, destination=SHOP),
            "until": await listed(store, until=NOW + 3 * SECOND, destination=SHOP),
            "nothing": await listed(store, destination="crm", troubles=server),
            "crossed": await listed(store, subscription="to crm", destination=SHOP),
        }
        assert {
            "destination": [delivery_id(n) for n in (4, 3, 2, 1)],
            "states": [delivery_id(n) for n in (2, 1)],
            "both": [delivery_id(n) for n in (4, 2, 1)],
            "trouble": [delivery_id(n) for n in (2, 1)],
            "no trouble": [delivery_id(n, 1) for n in (4, 3, 2, 1)],
            "type": [delivery_id(n, place) for n in (4, 1) for place in (1, 0)],
            "types": [delivery_id(n) for n in (2, 1)],
            "event": [delivery_id(2, 1), delivery_id(2)],
            "since": [delivery_id(n) for n in (4, 3)],
            "until": [delivery_id(n) for n in (2, 1)],
            "nothing": [],
            "crossed": [],
        } == ids


class QueuedCases:
    """What queued events owe: accepted to be worked at later, and counted try by try."""

    async def test_accepted_without_a_try(self, store: Store) -> None:
        """An event that waits for its worker has no attempt yet; it is leased in its webhook's lane."""
        await join(store, "n1")
        await store.accept(Acceptance(entry(1), waits, job=event_job(1, lane="courses", key="courses\n7")))

        event = await store.get_event(event_id(1))
        assert event is not None
        assert (State.WORKING, 0, 0) == (event.state, event.attempts, event.started_at)
        assert [] == list(await store.list_attempts(event_id(1)))
        assert [] == list(await take(store, queue=EVENTS))
        [found] = await store.lease(EVENTS, "n1", HOUR, 9, "courses")
        assert (event_id(1), "courses") == (found.job.id, found.job.lane)

    async def test_each_try_is_kept(self, store: Store) -> None:
        """Tries that failed and are followed by another are kept with their errors; the last one ends the event."""
        await join(store, "n1")
        await _queue(store)
        retried = ends(State.WORKING, 202, error="the table is locked")
        job = event_job(1, lane="courses")

        await move(
            store,
            1,
            State.WORKING,
            retried,
            NOW + 12,
            attempt_started_at=NOW + 10,
            job=job,
            keep_attempt=True,
        )
        between = await store.get_event(event_id(1))
        await move(
            store, 1, State.WORKING, succeeds, NOW + 22, attempt_started_at=NOW + 20, effect=insert(COURSES, ID="7")
        )  # fmt: skip

        assert between is not None
        assert (State.WORKING, 1, 0) == (between.state, between.attempts, between.settled_at)
        told = [
            (one.number, one.started_at, one.ended_at, one.state, one.error) for one in await _tries(store)
        ]
        assert [
            (1, NOW + 10, NOW + 12, State.FAILED, "the table is locked"),
            (2, NOW + 20, NOW + 22, State.SUCCEEDED, ""),
        ] == told

    async def test_tries_elsewhere(self, store: Store) -> None:
        """A queued event counts a try each time it is sent, whatever becomes of it, and none when it is not."""
        await join(store, "n1")
        await _queue(store)
        job = event_job(1, lane="courses")
        back = ends(State.WORKING, 202, error="off-line")

        for at in (NOW + 10, NOW + 20):
            await move(store, 1, State.WORKING, sends, at, job=job, attempt_started_at=at)
            await move(
                store, 1, State.SENDING, back, at + 1, job=job, attempt_started_at=at, keep_attempt=True
            )
        await move(store, 1, State.WORKING, ends(State.HELD, 202), NOW + 30, job=job)
        await move(store, 1, State.HELD, waits, NOW + 31, job=job)
        await move(store, 1, State.WORKING, ends(State.FAILED, 500, error="cancelled"), NOW + 40)

        event = await store.get_event(event_id(1))
        assert event is not None
        assert (State.FAILED, 2, NOW + 40) == (event.state, event.attempts, event.settled_at)
        assert [(1, NOW + 10, "off-line"), (2, NOW + 20, "off-line")] == [
            (one.number, one.started_at, one.error) for one in await _tries(store)
        ]

    async def test_back_in_the_queue(self, store: Store) -> None:
        """An event that was given up and goes back to its queue keeps its tries, and the next one counts on."""
        await join(store, "n1")
        await _queue(store)
        job = event_job(1, lane="courses")
        await move(store, 1, State.WORKING, fails, NOW + 12, attempt_started_at=NOW + 10)

        await move(store, 1, State.FAILED, waits, NOW + 20, job=job)
        waiting = await store.get_event(event_id(1))
        kept = await _tries(store)
        await move(store, 1, State.WORKING, succeeds, NOW + 32, attempt_started_at=NOW + 30)

        assert waiting is not None
        assert (State.WORKING, 1) == (waiting.state, waiting.attempts)
        assert [(1, State.FAILED)] == [(one.number, one.state) for one in kept]
        told = [(one.number, one.state, one.started_at) for one in await _tries(store)]
        assert [(1, State.FAILED, NOW + 10), (2, State.SUCCEEDED, NOW + 30)] == told


class OutgoingSettingsCases:
    """What the configuration of what goes out owes."""

    async def test_destinations_and_subscriptions_come_back(self, store: Store) -> None:
        """Destinations and subscriptions are saved and loaded by name; a change touches only what it names."""
        await store.save_configuration(
            ConfigurationChange(
                destinations={"shop": '{"a": 1}', "crm": "{}"},
                subscriptions={"new records": "{}", "all": "[]"},
            ),
            0,
        )
        await store.save_configuration(
            ConfigurationChange(destinations={"crm": None}, subscriptions={"all": '{"b": "“ü”"}'}), 1
        )

        loaded = await store.load_configuration()

        assert {"shop": '{"a": 1}'} == loaded.destinations
        assert {"new records": "{}", "all": '{"b": "“ü”"}'} == loaded.subscriptions
        assert 2 == loaded.revision


async def _queue(store: Store) -> None:
    await store.accept(Acceptance(entry(1), waits, job=event_job(1, lane="courses")))


async def _tries(store: Store) -> Sequence[Attempt]:
    return await store.list_attempts(event_id(1))


def _noting(asked: list[tuple[State, str]], *emissions: Emission) -> Emit:
    """An `emit` that notes what it was told."""

    def emit(settlement: Settlement, effect: EffectResult | None) -> Sequence[Emission]:
        asked.append((settlement.state, effect.key if effect else ""))
        return emissions

    return emit
