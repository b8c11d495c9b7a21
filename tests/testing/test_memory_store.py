"""The in-memory twin keeps every promise of the Store port."""

import pytest

from hookstation.core.jobs import Reaped
from hookstation.core.outgoing.values import DeliveryState, DestinationState
from hookstation.core.workflows.values import Kept, Standing
from hookstation.errors import StoreUnavailable
from hookstation.ports.runs import RunFilter, TurnEnd
from hookstation.testing.clock import ManualClock
from hookstation.testing.memory_store import MemoryStore
from hookstation.testing.store_cases.chaining import (
    SUCCEEDED,
    begun,
    held,
    hold,
    run_id,
    signal,
    start,
    turn_of,
)
from hookstation.testing.store_cases.making import NOW, QUEUE, chore, join, names, put, states, take
from hookstation.testing.store_cases.outgoing import delivered, delivery_id, emission, listed, send
from hookstation.testing.store_suite import StoreSuite


class TestMemoryStore(StoreSuite):
    """The suite over the twin."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()


async def test_time_is_the_given_one() -> None:
    """Delays, leases and silence are measured by the clock that the twin was given, also while it stands still."""
    clock = ManualClock()
    store = MemoryStore(clock.now)
    await join(store, "n1", "n2")
    await put(store, chore("b"), chore("a"), chore("c", delay=5_000_000))
    early = names(await take(store, seconds=10))
    waits = await store.next_due(QUEUE)
    await clock.advance(5)
    due = names(await take(store, "n2", seconds=100))
    await store.beat("n2")
    between = await store.reap(6)
    await clock.advance(5)
    over = await store.reap(6)

    assert (["a", "b"], 5_000_000, ["c"]) == (early, waits, due)
    assert (Reaped(), Reaped(("n1",), 2)) == (between, over)


async def test_unavailable() -> None:
    """While the twin is told to refuse commits, jobs, deliveries, runs and nodes stay as they are."""
    store = MemoryStore()
    await join(store, "n1")
    await put(store, chore("a"))
    await store.emit([emission(1)])
    [leased] = await send(store)
    [run] = await held(store, start(1))
    store.unavailable = "The disk is full."

    for call in (
        store.enqueue([chore("b")]),
        take(store),
        store.settle([]),
        store.cancel(QUEUE, "a"),
        store.hurry(QUEUE, "k"),
        store.leave("n1"),
        store.beat("n1"),
        store.reap(0),
        store.emit([emission(2)]),
        send(store),
        store.settle_deliveries([delivered(leased)]),
        store.revive([delivery_id(1)]),
        store.cancel_deliveries([delivery_id(1)], NOW),
        store.save_destination_state(DestinationState("shop", revision=1)),
        store.prune_deliveries(NOW * 2, 9),
        store.start_runs([start(2)]),
        hold(store),
        store.turn(turn_of(run, TurnEnd(run=SUCCEEDED))),
        store.signal([signal(1)]),
        store.cancel_runs([run_id(1)], NOW, "why"),
        store.prune_runs(NOW * 2, 9),
        store.forget_hashes("delta", 9),
        store.keep([Kept("polls", "lms", "cursor", "1")]),
        store.save_standing(Standing("polls", "lms")),
    ):
        with pytest.raises(StoreUnavailable, match="full"):
            await call

    assert {"a": "ready"} == await states(store)
    assert [delivery_id(1)] == await listed(store, states=frozenset({DeliveryState.WAITING}))
    assert [] == list(await store.destination_states())
    assert [begun(1)] == [
        await store.get_run(one.id) for one in (await store.list_runs(RunFilter(), 9)).items
    ]
    assert ([], {}, {}) == (
        list(await store.list_signals(run_id(1))),
        await store.get_kept("polls", "lms"),
        await store.standings("polls"),
    )
    assert ["n1"] == [one.id for one in await store.nodes()]
