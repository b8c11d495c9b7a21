"""Filling the index of words: beside the lane, a step at a time, by one node, and what came late is found too."""

from __future__ import annotations

import math

from msgspec import structs

from hookstation.core.events import Settlement, State
from hookstation.core.journal_rules import lowest_id
from hookstation.engine.indexing import LOOK_BACK, STEP, SURELY
from hookstation.ports.store import Acceptance, EventFilter
from hookstation.testing.store_cases.making import entry
from tests.support.engine import Engine, engine, webhook

SECRETIVE = webhook("secretive", search=False)


async def found(bench: Engine, text: str) -> int:
    return len((await bench.store.list_events(EventFilter(text=text), 100)).items)


async def everything(bench: Engine) -> None:
    while await bench.remedies.indexer.step():
        pass


async def test_events_are_found_once_they_are_indexed_and_the_lag_says_how_far_that_is() -> None:
    async with engine(webhook()) as bench:
        indexer = bench.remedies.indexer
        assert (None, 0.0) == (await indexer.step(), await indexer.lag())
        await bench.post("courses", {"id": "1", "note": "Ada"})
        assert math.inf == await indexer.lag()
        await bench.clock.advance(2)
        assert True is await indexer.step()
        await bench.clock.advance(8)
        await bench.post("courses", {"id": "2", "note": "Ada"})
        assert (1, 10.0) == (await found(bench, "ada"), round(await indexer.lag()))
        await bench.clock.advance(2)
        await everything(bench)
        assert (2, 0.0) == (await found(bench, "ada"), await indexer.lag())


async def test_the_newest_second_is_left_alone() -> None:
    async with engine(webhook()) as bench:
        await bench.post("courses", {"id": "1", "note": "Ada"})
        await everything(bench)
        assert 0 == await found(bench, "ada")
        await bench.clock.advance(2)
        await everything(bench)
        assert 1 == await found(bench, "ada")


async def test_a_webhook_may_keep_its_payloads_out() -> None:
    """Its events are still found by their sender."""
    async with engine(SECRETIVE) as bench:
        await bench.post("secretive", {"id": "1", "note": "Ada"})
        await bench.clock.advance(2)
        await bench.remedies.indexer.step()
        assert 0 == await found(bench, "ada")
        page = await bench.store.list_events(EventFilter(sender="203.0.113.9"), 10)
        assert 1 == len(page.items)


async def test_an_event_that_was_committed_late_is_found_later() -> None:
    async with engine(webhook()) as bench:
        late = lowest_id(bench.clock.now()) + "0" * 16
        await bench.clock.advance(5)
        await bench.post("courses", {"id": "1"})
        await bench.clock.advance(2)
        await everything(bench)
        kept = entry(1, body=b'"Ada"')
        await bench.store.accept(
            Acceptance(structs.replace(kept, id=late), lambda _: Settlement(State.SUCCEEDED, 200))
        )
        await everything(bench)
        assert 0 == await found(bench, "ada")
        await bench.clock.advance(SURELY / 1_000_000)
        await everything(bench)
        assert 1 == await found(bench, "ada")


async def test_where_nothing_came_late_it_looks_back_only_now_and_then() -> None:
    """An idle node asks the database little; what comes late after all is found at the next look back."""
    async with engine(webhook()) as bench:
        await bench.post("courses", {"id": "1"})
        await bench.clock.advance(10)
        late = lowest_id(bench.clock.now()) + "0" * 16
        await bench.clock.advance(10)
        await bench.post("courses", {"id": "2"})
        await bench.clock.advance(SURELY / 1_000_000 - 15)
        await everything(bench)
        await bench.clock.advance(20)
        assert await bench.remedies.indexer.step() is None
        kept = structs.replace(entry(1, body=b'"Ada"'), id=late)
        await bench.store.accept(Acceptance(kept, lambda _: Settlement(State.SUCCEEDED, 200)))
        await everything(bench)
        assert 0 == await found(bench, "ada")
        await bench.clock.advance(LOOK_BACK / 1_000_000)
        await everything(bench)
        assert 1 == await found(bench, "ada")


async def test_of_two_nodes_one_is_quicker() -> None:
    async with engine(webhook()) as bench:
        await bench.post("courses", {"id": "1", "note": "Ada"})
        await bench.clock.advance(2)
        other = await bench.another_node()
        before, newest = await bench.store.reached()
        assert True is await other.remedies.indexer.step()
        assert not await bench.store.add_words([], before, before)
        assert newest == (await bench.store.reached())[0].newest


async def test_many_events_go_in_steps() -> None:
    async with engine(webhook()) as bench:
        for _ in range(STEP + 1):
            await bench.post("courses", {"id": "1", "note": "Ada"})
        await bench.clock.advance(2)
        assert True is await bench.remedies.indexer.step()
        assert STEP == await found(bench, "ada")
        assert True is await bench.remedies.indexer.step()
        assert STEP + 1 == await found(bench, "ada")
