"""Deliveries: how they are leased, how tries of them end, and what people do with them."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

from msgspec import structs

from hookstation.core.jobs import DELIVERIES
from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryFigures,
    DeliveryState,
    DestinationState,
    Health,
    Trouble,
)
from hookstation.ports.deliveries import DESTINATIONS_CHANGED, MOST_COUNTED, DeliveryEnd
from hookstation.ports.leases import JOBS_READY
from hookstation.ports.store import ConfigurationChange, Store
from hookstation.testing.store_cases.making import HOUR, LATER, NOW, SECOND, event_id, join
from hookstation.testing.store_cases.nodes import Listener
from hookstation.testing.store_cases.outgoing import (
    SHOP,
    arrive,
    attempt,
    dead,
    delivered,
    delivery_id,
    emission,
    event_out,
    later,
    send,
    shown,
)

OUR_HOUR = (NOW + SECOND) - (NOW + SECOND) % (3_600 * SECOND)
"""The hour of the first events."""


class DeliveryCases:
    """What leasing and settling deliveries owe."""

    async def test_lease_brings_all_that_a_try_needs(self, store: Store) -> None:
        """A leased delivery has its event, whole, and stands as one that waits; it is leased once."""
        await join(store, "n1")
        given = emission(1, SHOP, "crm", key="m-7", payload='{"x": "“ü” \\u0000"}', source=event_id(9))
        given = structs.replace(given, event=structs.replace(given.event, hops=3))
        await store.emit([given])

        [found] = await send(store)
        again = await send(store)

        assert [] == list(again)
        assert given.event == found.event
        assert (DELIVERIES, delivery_id(1), SHOP, f"{SHOP}\nm-7", 0) == (
            found.leased.job.queue,
            found.leased.job.id,
            found.leased.job.lane,
            found.leased.job.key,
            found.leased.job.tries,
        )
        expected = Delivery(
            delivery_id(1), event_id(1), "record.inserted", "to shop", SHOP, "m-7", DeliveryState.WAITING, NOW + SECOND
        )  # fmt: skip
        assert expected == found.delivery

    async def test_delivered(self, store: Store) -> None:
        """A delivery that arrived is over, its job is gone, and its attempt is kept in every detail."""
        await join(store, "n1")
        await store.emit([emission(1)])
        [found] = await send(store)

        assert [True] == list(await store.settle_deliveries([delivered(found)]))

        ended = await store.get_delivery(delivery_id(1))
        assert ended is not None
        assert (DeliveryState.DELIVERED, 1, 200, Trouble.NONE, "") == (
            ended.state, ended.attempts, ended.status, ended.trouble, ended.error,
        )  # fmt: skip
        assert (0, NOW + SECOND + 15) == (ended.due_at, ended.ended_at)
        assert [attempt(found)] == list(await store.list_delivery_attempts(delivery_id(1)))
        assert await store.find_job(DELIVERIES, delivery_id(1)) is None
        assert [] == list(await send(store))

    async def test_tried_again(self, store: Store) -> None:
        """A delivery that failed waits for its time with its tries counted, then is dead; each attempt is kept."""
        await join(store, "n1")
        await store.emit([emission(1)])
        [first] = await send(store)
        await store.settle_deliveries([later(first)])
        [second] = await send(store)
        await store.settle_deliveries([later(second, LATER)])
        waiting = await shown(store, delivery_id(1))
        too_early = await send(store)
        await store.revive([delivery_id(1)])
        [third] = await send(store)
        await store.settle_deliveries([dead(third)])
        ended = await shown(store, delivery_id(1))

        assert [] == list(too_early)
        assert [0, 1, 0] == [one.leased.job.tries for one in (first, second, third)]
        assert [0, 1, 2] == [one.delivery.attempts for one in (first, second, third)]
        assert (DeliveryState.WAITING, 2, 503, Trouble.BUSY, "it said no", 0) == (
            waiting.state, waiting.attempts, waiting.status, waiting.trouble, waiting.error, waiting.ended_at,
        )  # fmt: skip
        assert (DeliveryState.DEAD, 3, 500, Trouble.SERVER) == (
            ended.state,
            ended.attempts,
            ended.status,
            ended.trouble,
        )
        told = [(one.number, one.status) for one in await store.list_delivery_attempts(delivery_id(1))]
        assert [(1, 503), (2, 503), (3, 500)] == told

    async def test_not_tried_at_all(self, store: Store) -> None:
        """A lease that ends without an attempt leaves what the last attempt said, and counts nothing."""
        await join(store, "n1")
        await store.emit([emission(1)])
        [found] = await send(store)
        await store.settle_deliveries([later(found)])
        [found] = await send(store)
        end = DeliveryEnd(found.leased.lease, SHOP, DeliveryState.WAITING, None, found.leased.job)

        assert [True] == list(await store.settle_deliveries([end]))

        stands = await shown(store, delivery_id(1))
        assert (1, 503, Trouble.BUSY, "it said no") == (
            stands.attempts,
            stands.status,
            stands.trouble,
            stands.error,
        )
        assert 1 == len(await store.list_delivery_attempts(delivery_id(1)))
        assert [1] == [one.failed for one in await store.delivery_figures(0, NOW * 2)]

    async def test_ended_without_a_try(self, store: Store) -> None:
        """A delivery that ends untried has no attempt; only one that is given up counts in the figures."""
        await join(store, "n1")
        await store.emit([emission(1), emission(2)])
        found = await send(store)
        states = (DeliveryState.CANCELLED, DeliveryState.DEAD)
        ends = [
            DeliveryEnd(one.leased.lease, SHOP, state, ended_at=NOW + 70)
            for one, state in zip(found, states, strict=True)
        ]

        assert [True, True] == list(await store.settle_deliveries(ends))

        ended = [await shown(store, delivery_id(number)) for number in (1, 2)]
        assert [(state, 0, NOW + 70) for state in states] == [
            (one.state, one.attempts, one.ended_at) for one in ended
        ]
        assert [(0, 0, 1, 0)] == [
            (one.delivered, one.failed, one.dead, one.took)
            for one in await store.delivery_figures(0, NOW * 2)
        ]
        assert [] == list(await send(store))

    async def test_a_late_word_changes_nothing(self, store: Store) -> None:
        """Whoever lost the lease changes nothing: no attempt, figure or emission; the others of the batch count."""
        await join(store, "n1", "n2")
        await store.emit([emission(1), emission(2)])
        late = await store.lease_deliveries(SHOP, "n1", 0, 1)
        await store.reap(HOUR)
        [good] = await send(store, limit=1)
        end = dead(late[0], emission(5, "crm"))

        told = await store.settle_deliveries([end, delivered(good), delivered(good)])

        assert [False, True, False] == list(told)
        assert DeliveryState.WAITING is (await shown(store, late[0].delivery.id)).state
        assert [] == list(await store.list_delivery_attempts(late[0].delivery.id))
        assert await store.get_event_out(event_id(5)) is None
        figures = await store.delivery_figures(0, NOW * 2)
        assert [(1, 0, 0)] == [(one.delivered, one.failed, one.dead) for one in figures]

    async def test_an_end_is_told_to_others(self, store: Store) -> None:
        """What others are told of an end is there with it."""
        await join(store, "n1")
        await store.emit([emission(1)])
        [found] = await send(store)

        await store.settle_deliveries([dead(found, emission(5, "crm", type_="delivery.dead"))])

        assert event_out(5, "delivery.dead") == await store.get_event_out(event_id(5))
        assert [delivery_id(5)] == [one.delivery.id for one in await send(store, "crm")]

    async def test_order_of_a_key(self, store: Store) -> None:
        """Deliveries of one key go to one destination one after the other; other keys and destinations pass by."""
        await join(store, "n1")
        await store.emit([emission(1, SHOP, "crm", key="k"), emission(2, key="k"), emission(3, key="o")])
        [first, other] = await send(store)
        [elsewhere] = await send(store, "crm")
        await store.settle_deliveries([later(first, LATER)])
        behind = await send(store)
        await store.revive([delivery_id(1)])
        [again] = await send(store)
        await store.settle_deliveries([dead(again)])
        [second] = await send(store)

        assert [delivery_id(1), delivery_id(3)] == [first.delivery.id, other.delivery.id]
        assert delivery_id(1, 1) == elsewhere.delivery.id
        assert [] == list(behind)
        assert [delivery_id(1), delivery_id(2)] == [again.delivery.id, second.delivery.id]

    async def test_most_at_a_time_to_a_destination(self, store: Store) -> None:
        """`most` bounds what all nodes send to a destination at the same time."""
        await join(store, "n1", "n2")
        await store.emit([emission(number) for number in range(1, 6)])

        counts = [len(await send(store, most=2, node_id=node)) for node in ("n1", "n2")]

        assert [2, 0] == counts
        assert [] == list(await send(store, node_id="nobody"))

    async def test_hint_for_a_destination(self, store: Store) -> None:
        """As soon as a delivery waits or waits again, everybody hears the destination's lane."""
        await join(store, "n1")
        listener = Listener(store)
        await store.emit([emission(1)])
        await listener.hears(f"{JOBS_READY}{DELIVERIES}/{SHOP}")
        listener.stop()
        [found] = await send(store)
        second = Listener(store)
        await store.settle_deliveries([later(found)])
        await second.hears(f"{JOBS_READY}{DELIVERIES}/{SHOP}")

    async def test_many_ends(self, store: Store) -> None:
        """A batch of any size is settled, each end for itself."""
        await join(store, "n1")
        await store.emit([emission(number) for number in range(1, 251)])
        found = await send(store, limit=300)

        told = await store.settle_deliveries(
            [(delivered, dead, later)[n % 3](one) for n, one in enumerate(found)]
        )

        assert [True] * 250 == list(told)
        [hour] = await store.delivery_figures(0, NOW * 2)
        assert (84, 166, 83, 2500) == (hour.delivered, hour.failed, hour.dead, hour.took)
        assert {SHOP: 83} == await store.count_waiting_deliveries()


class DeliveryRemedyCases:
    """What people do with deliveries, and what is kept of destinations."""

    async def test_revive_what_ended(self, store: Store) -> None:
        """Deliveries that ended, however, wait anew and are tried; unknown ids are nobody's."""
        await join(store, "n1")
        await store.emit([emission(number, key="k") for number in (1, 2, 3)])
        await arrive(store)
        [found] = await send(store)
        await store.settle_deliveries([dead(found)])
        await store.cancel_deliveries([delivery_id(3)], NOW)

        ids = [delivery_id(number) for number in (3, 1, 2)]
        assert 3 == await store.revive([*ids, "nobody"])
        assert 0 == await store.revive([])

        stands = [await shown(store, one) for one in ids]
        assert [(DeliveryState.WAITING, 0)] * 3 == [(one.state, one.ended_at) for one in stands]
        assert [0, 1, 1] == [one.attempts for one in stands]
        [first] = await send(store)
        assert (delivery_id(1), 1, 0) == (first.delivery.id, first.delivery.attempts, first.leased.job.tries)

    async def test_revive_hurries_what_waits(self, store: Store) -> None:
        """A delivery that waits for its time is due now, with its pauses from the beginning; one under way goes on."""
        await join(store, "n1")
        await store.emit([emission(1), emission(2)])
        [first, second] = await send(store)
        await store.settle_deliveries([later(first, LATER)])

        assert 2 == await store.revive([delivery_id(1), delivery_id(2)])

        [again] = await send(store)
        assert (delivery_id(1), 1, 0) == (again.delivery.id, again.delivery.attempts, again.leased.job.tries)
        assert [True] == list(await store.settle_deliveries([delivered(second)]))

    async def test_cancel_deliveries(self, store: Store) -> None:
        """What waits is cancelled, also while it is tried, whose word then counts no more; what ended stays so."""
        await join(store, "n1")
        await store.emit([emission(1, key="k"), emission(2, key="k"), emission(3)])
        await store.emit([emission(4, "crm")])
        await arrive(store, "crm")
        [first, _] = await send(store)

        ids = [delivery_id(number) for number in (1, 4)]
        assert 1 == await store.cancel_deliveries([*ids, "nobody"], NOW + 77)

        ended = await store.get_delivery(delivery_id(1))
        assert ended is not None
        assert (DeliveryState.CANCELLED, NOW + 77, 0) == (ended.state, ended.ended_at, ended.due_at)
        assert DeliveryState.DELIVERED is (await shown(store, delivery_id(4))).state
        assert [False] == list(await store.settle_deliveries([delivered(first)]))
        assert [delivery_id(2)] == [one.delivery.id for one in await send(store)]

    async def test_waiting_are_counted(self, store: Store) -> None:
        """What waits is counted by destination, up to a bound; destinations for which nothing waits are left out."""
        await join(store, "n1")
        await store.emit([emission(1, SHOP, "crm"), emission(2), emission(3, "lms")])
        await arrive(store, "lms")
        await send(store, limit=1)

        assert MOST_COUNTED > 2
        assert {SHOP: 2, "crm": 1} == await store.count_waiting_deliveries()

    async def test_figures(self, store: Store) -> None:
        """Each hour of each destination has its figures, oldest first; failed attempts count, and deaths besides."""
        await join(store, "n1")
        await store.emit([emission(1, SHOP, "crm"), emission(2), emission(4_000)])
        [first, second, third] = await send(store)
        await store.settle_deliveries([delivered(first), later(second), delivered(third)])
        [second] = await send(store)
        await store.settle_deliveries([dead(second)])
        await arrive(store, "crm")

        hour = 3_600 * SECOND
        shop = DeliveryFigures(SHOP, OUR_HOUR, delivered=1, failed=2, dead=1, took=30)
        crm = DeliveryFigures("crm", OUR_HOUR, delivered=1, took=10)
        next_hour = DeliveryFigures(SHOP, OUR_HOUR + hour, delivered=1, took=10)
        assert [shop, next_hour] == list(await store.delivery_figures(0, NOW * 2, SHOP))
        assert [crm, shop, next_hour] == list(await store.delivery_figures(0, NOW * 2))
        assert [next_hour] == list(await store.delivery_figures(OUR_HOUR + 1, OUR_HOUR + hour + 1))
        assert [crm, shop] == list(await store.delivery_figures(OUR_HOUR, OUR_HOUR + hour))

    async def test_destination_states(self, store: Store) -> None:
        """A state is written where it follows on the one there, and everybody hears of it."""
        listener = Listener(store)
        first = DestinationState(SHOP, Health.OPEN, 5, 2, 7, 9, "half of 20 attempts “ü” failed", 1)
        other = DestinationState("crm", revision=1)

        assert [] == list(await store.destination_states())
        assert not await store.save_destination_state(structs.replace(first, revision=2))
        assert await store.save_destination_state(first)
        await listener.hears(DESTINATIONS_CHANGED)
        assert not await store.save_destination_state(structs.replace(first, why="another node's"))
        assert await store.save_destination_state(other)
        assert {SHOP: first, "crm": other} == {one.name: one for one in await store.destination_states()}
        second = structs.replace(first, health=Health.GOOD, revision=2)
        assert await store.save_destination_state(second)
        assert {SHOP: second, "crm": other} == {one.name: one for one in await store.destination_states()}

    async def test_a_destination_that_is_removed_takes_with_it_how_it_stood(self, store: Store) -> None:
        """Who gets its name begins anew; the facts of a change are kept with it, the states of others stay."""
        await store.save_configuration(ConfigurationChange(destinations={SHOP: "{}", "crm": "{}"}), 0)
        for name in (SHOP, "crm"):
            assert await store.save_destination_state(DestinationState(name, Health.GONE, revision=1))

        await store.save_configuration(ConfigurationChange(destinations={SHOP: None}, facts={"f": "1"}), 1)

        assert ["crm"] == [one.name for one in await store.destination_states()]
        assert "1" == await store.get_fact("f")
        assert await store.save_destination_state(DestinationState(SHOP, revision=1))

    async def test_prune(self, store: Store) -> None:
        """Ended deliveries that are old go with their attempts, and events that have none left; what waits stays."""
        await join(store, "n1")
        await store.emit([emission(1, SHOP, "crm"), emission(2), emission(3), emission(9)])
        await store.emit([structs.replace(emission(4), deliveries=())])
        [first, second, _, ninth] = await send(store)
        await store.settle_deliveries([delivered(first), dead(second), delivered(ninth)])
        before = NOW + 5 * SECOND

        assert 4 == await store.prune_deliveries(before, 100)  # both of SHOP, and the events 2 and 4
        assert 0 == await store.prune_deliveries(before, 100)

        there = [await store.get_delivery(delivery_id(number)) is not None for number in (1, 2, 3, 9)]
        assert [False, False, True, True] == there
        assert [] == list(await store.list_delivery_attempts(delivery_id(1)))
        assert 1 == len(await store.list_delivery_attempts(delivery_id(9)))
        events = [event_id(number) for number in (9, 3, 1)]
        assert events == [one.id for one in await store.list_events_out(10)]
        assert 1 == len(await store.delivery_figures(0, NOW * 2))

    async def test_prune_in_steps(self, store: Store) -> None:
        """A step lets at most so many deliveries go, the oldest first; hours of figures go once all of them is old."""
        await join(store, "n1")
        await store.emit([emission(number) for number in range(1, 6)])
        await arrive(store)
        before = OUR_HOUR + 3_600 * SECOND
        gone = [await store.prune_deliveries(before, 2) for _ in range(4)]

        assert [4, 4, 2, 0] == gone
        assert [] == list(await store.delivery_figures(0, NOW * 2))
