"""How destinations stand: slowed, given a rest, probed, gone, given up; and who is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from hookstation.core.outgoing.values import DeliveryState, DestinationState, EventOut, Health
from hookstation.core.values import JSON
from hookstation.engine.outgoing.destinations import ARRIVED
from hookstation.engine.outgoing.live import Place
from hookstation.errors import StoreUnavailable
from tests.support.receiver import Answer
from tests.support.sending import SendingBench, subscription

ALERTS: JSON = {"name": "alerts", "destination": "pager", "events": ["destination.*", "delivery.dead"]}


async def ready(bench: SendingBench, **more: Any) -> None:
    """A destination for orders, and another one that wants to know how destinations do."""
    await bench.configure(
        destinations=[bench.destination(**more), bench.destination("pager")],
        subscriptions=[subscription(), ALERTS],
    )


async def raise_many(bench: SendingBench, count: int) -> None:
    for number in range(count):
        await bench.raised(id=str(number))


async def alerts(bench: SendingBench) -> list[str]:
    """The types of what the pager was told, in the order of their events."""
    return [one.type for one in await bench.deliveries(destination="pager")]


async def test_a_busy_receiver_slows_all_that_goes_there(bench: SendingBench) -> None:
    await ready(bench, concurrency=1)
    bench.receiver.plan(Answer(429, (("Retry-After", "120"),)))
    await raise_many(bench, 3)
    await bench.deliver()
    assert (1, Health.SLOWED) == (len(bench.calls()), await bench.health())

    assert 0 == await bench.after(119)
    assert 3 == await bench.after(1)
    assert (4, Health.GOOD) == (len(bench.calls()), await bench.health())
    assert [] == await alerts(bench)


async def test_a_destination_that_keeps_failing_is_given_a_rest_and_probed_once_for_all_nodes(
    bench: SendingBench,
) -> None:
    await ready(bench, concurrency=1, breaker={"calls": 3, "pause": "30s"}, retry={"schedule": ["1d"]})
    other = await bench.another_node()
    bench.receiver.usual = lambda call: Answer(500 if call.path == "/crm" else 200)
    await raise_many(bench, 8)
    await bench.deliver()
    assert (3, Health.OPEN) == (len(bench.calls()), await bench.health())

    await other.outgoing.destinations.look()
    assert 0 == await bench.after(29) + await other.deliver()
    await bench.clock.advance(1)
    assert 1 == await bench.begin() + await other.begin()
    assert (0, 0) == (await bench.worker.drain(60), await other.worker.drain(60))
    assert (2, 4) == ((await bench.state()).opened, len(bench.calls()))

    bench.receiver.usual = Answer()
    assert 0 == await bench.after(59)
    assert 4 + 1 == await bench.after(1)  # the probe, those behind it, and the word that it works again
    assert Health.GOOD == await bench.health()
    assert ["destination.opened", "destination.closed"] == await alerts(bench)
    assert 1 == sum(ARRIVED.encode() in call.body for call in bench.receiver.calls)


async def test_a_destination_is_given_up_after_days_of_nothing_but_failures_and_keeps_everything(
    bench: SendingBench,
) -> None:
    days = {"schedule": ["6h"] * 30, "jitter": "0%"}
    await ready(bench, breaker={"calls": 1000}, disable_after="2d", retry=days)
    bench.receiver.usual = lambda call: Answer(500 if call.path == "/crm" else 200)
    await raise_many(bench, 2)
    await bench.deliver()
    for _ in range(9):
        await bench.after(6 * 3_600)
    assert Health.GIVEN_UP == await bench.health()
    assert 2 == (await bench.outgoing.figures.one("crm")).waiting
    assert ["destination.disabled"] == await alerts(bench)

    bench.receiver.usual = Answer()
    assert 0 == await bench.after(86_400)
    await bench.outgoing.destinations.enable("crm", "ann")
    assert 2 == await bench.deliver()


async def test_one_delivery_that_goes_well_begins_the_days_anew(bench: SendingBench) -> None:
    await ready(bench, breaker={"calls": 1000}, disable_after="1d", retry={"schedule": ["12h"] * 9})
    for status in (500, 200, 500, 500):
        bench.receiver.plan(Answer(status))
        await bench.raised(status=status)
        await bench.deliver()
        await bench.clock.advance(600)
    assert (Health.GOOD, True) == (await bench.health(), (await bench.state()).failing_since > 0)
    await bench.after(20 * 3_600)
    assert (Health.GOOD, 0) == (await bench.health(), (await bench.state()).failing_since)


async def test_a_dead_delivery_is_told_to_others_once_and_never_to_its_own_destination(
    bench: SendingBench,
) -> None:
    everything: dict[str, JSON] = {
        "name": "all",
        "destination": "crm",
        "events": ["*"],
        "body": {"type": "json"},
    }
    await bench.configure(
        destinations=[
            bench.destination(retry={"schedule": []}, breaker={"calls": 1000}),
            bench.destination("pager", retry={"schedule": []}, breaker={"calls": 1000}),
        ],
        subscriptions=[everything, {**everything, "name": "too", "destination": "pager"}],
    )
    bench.receiver.usual = Answer(400)
    await bench.raised()
    await bench.deliver()
    told = [(one.type, one.destination, one.state) for one in await bench.deliveries()]
    dead = DeliveryState.DEAD
    assert [("order.paid", "crm", dead), ("order.paid", "pager", dead)] == told[:2]
    assert [("delivery.dead", "crm", dead), ("delivery.dead", "pager", dead)] == sorted(told[2:])


async def test_what_one_node_found_out_holds_for_the_others(bench: SendingBench) -> None:
    await ready(bench)
    other = await bench.another_node()
    bench.receiver.plan(Answer(410))
    await raise_many(bench, 1)
    await bench.deliver()
    await bench.raised(id="9")
    assert 0 == await other.deliver()
    await other.outgoing.destinations.enable("crm", "ann")
    assert 1 == await bench.deliver()


async def test_a_destination_that_hangs_holds_its_own_slots_and_no_others(bench: SendingBench) -> None:
    await bench.configure(
        destinations=[bench.destination("slow", concurrency=2), bench.destination("crm")],
        subscriptions=[subscription(), subscription("slow", "slow", events=["slow.*"])],
    )
    bench.receiver.usual = lambda call: Answer(hang=call.path == "/slow")
    for _ in range(5):
        await bench.raised("slow.down")
    await bench.begin()
    await bench.receiver.until(2)
    await raise_many(bench, 10)
    await bench.begin()
    await bench.receiver.until(12)
    assert (10, 2) == (len(bench.calls()), len(bench.calls("slow")))
    bench.receiver.usual = Answer()
    bench.receiver.release()


async def test_a_chart_has_every_hour(bench: SendingBench) -> None:
    await ready(bench, breaker={"calls": 1000}, retry={"schedule": []})
    bench.receiver.plan(Answer(200), Answer(500))
    await raise_many(bench, 1)
    await bench.deliver()
    await bench.after(3_600)
    await raise_many(bench, 1)
    await bench.deliver()
    bars = await bench.outgoing.figures.chart("crm", 3)
    assert [(0, 0, 0), (1, 0, 0), (0, 1, 1)] == [(one.delivered, one.failed, one.dead) for one in bars]
    assert bars[1].took > 0


async def test_what_ended_long_ago_goes(bench: SendingBench) -> None:
    await ready(bench)
    await raise_many(bench, 3)
    await bench.deliver()
    before = bench.clock.now() + 1
    assert 3 + 3 == await bench.store.prune_deliveries(before, 100)
    assert [] == await bench.deliveries()


async def test_a_delivery_ends_as_it_ended_though_the_state_cannot_be_saved(
    bench: SendingBench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await ready(bench)

    async def refuse(state: DestinationState) -> bool:
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(bench.store, "save_destination_state", refuse)
    bench.receiver.plan(Answer(410))
    await raise_many(bench, 1)
    await bench.deliver()
    (delivery,) = await bench.deliveries(destination="crm")
    assert (DeliveryState.DEAD, 1, Health.GOOD) == (delivery.state, delivery.attempts, await bench.health())
    assert "could not be saved: The disk is full." in caplog.text


async def test_a_change_whose_maker_died_before_it_was_told_is_told_by_whoever_sees_it(
    bench: SendingBench,
) -> None:
    await ready(bench)
    await bench.deliver()
    gone = DestinationState("crm", Health.GONE, changed_at=bench.clock.now(), why="gone", revision=1)
    assert await bench.store.save_destination_state(gone)
    other = await bench.another_node()
    for node in (bench, other, bench):
        await node.outgoing.destinations.look()
    assert ["destination.disabled"] == await alerts(bench)


async def test_the_days_of_nothing_but_failures_begin_anew_when_a_pause_ends(bench: SendingBench) -> None:
    calm: dict[str, JSON] = {
        "breaker": {"calls": 1000},
        "disable_after": "1d",
        "retry": {"schedule": ["1h"] * 9},
    }
    await ready(bench, **calm)
    bench.receiver.usual = Answer(500)
    await bench.raised()
    await bench.deliver()
    await bench.after(3_600)
    assert (await bench.state()).failing_since > 0
    await ready(bench, **calm, state="paused")
    assert 0 == await bench.after(3 * 86_400)
    await ready(bench, **calm)
    assert (1, Health.GOOD) == (await bench.deliver(), await bench.health())


async def test_a_failure_long_ago_that_only_one_node_saw_is_not_held_against_a_destination(
    bench: SendingBench,
) -> None:
    await ready(bench, breaker={"calls": 1000}, disable_after="1d", retry={"schedule": ["1m"]})
    other = await bench.another_node()
    bench.receiver.plan(Answer(500))
    await bench.raised()
    await bench.deliver()
    await bench.clock.advance(3_600)
    assert 1 == await other.deliver()
    await bench.clock.advance(2 * 86_400)
    bench.receiver.plan(Answer(500))
    await bench.raised()
    assert (1, Health.GOOD) == (await bench.deliver(), await bench.health())


async def test_a_mistake_of_ours_in_what_others_are_told_keeps_no_delivery_from_its_end(
    bench: SendingBench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_self: Place, _event: EventOut, _payload: JSON) -> str:
        raise KeyError("a mistake of ours")

    await ready(bench, retry={"schedule": []})
    bench.receiver.plan(Answer(410))
    await bench.raised()
    monkeypatch.setattr(Place, "order_key", broken)
    await bench.deliver()
    assert ([DeliveryState.DEAD], Health.GONE) == (
        [one.state for one in await bench.deliveries()],
        await bench.health(),
    )
    assert "a mistake of ours" in caplog.text
