"""Replaying many: looked through first, one after the other, cancellable, each event once, also after a restart."""

from __future__ import annotations

from typing import Any

import pytest

from hookstation.core.batches import ITEMS
from hookstation.core.events import State
from hookstation.engine.replay_many import CANCELLED, ReplayMany
from hookstation.errors import Conflict, NotFound, Retriable
from hookstation.ports.store import EventFilter
from tests.support.engine import Engine, engine, webhook

LONG: Any = {"Category": "$$note$$"}
WHO = "Ada"
FAILED = EventFilter("courses", frozenset({State.FAILED}))


async def failures(bench: Engine, count: int) -> list[str]:
    """Events whose note is too long for the field it goes to; then the mapping is repaired."""
    for number in range(count):
        assert 500 == (await bench.post("courses", {"id": str(number), "note": "x" * 300})).status
        await bench.clock.advance(0.01)
    await bench.apply(webhook())
    return [event.id for event in await bench.events()]


async def worked_off(bench: Engine) -> None:
    while await bench.replays.take():
        await bench.clock.settle()
        await bench.replays.settle()


async def test_a_dry_run_says_what_would_become_of_each_and_changes_nothing() -> None:
    async with engine(webhook(fields=LONG), webhook("strict", fields=LONG)) as bench:
        await bench.post("strict", {"id": "9", "note": "x" * 300})
        ids = await failures(bench, 2)
        await bench.post("courses", {"id": "3"})
        done = (await bench.last()).id
        prospect = await bench.remedies.many.look_through([*ids, done])
        assert (4, ["fails", "writes", "writes", "refused"]) == (
            prospect.total,
            [one.verdict for one in prospect.foreseen],
        )
        assert 1 == len(await bench.records())
        matching = await bench.remedies.many.look_through(FAILED)
        assert ids[1:] == [one.event.id for one in matching.foreseen]


async def test_what_somebody_cancelled_is_meant_by_its_id_and_not_by_a_filter() -> None:
    async with engine(webhook("courses", "far", hold=True)) as bench:
        bench.far.outcomes.append(Retriable("The target is off-line."))
        await bench.post("courses", {"id": "1"})
        event = await bench.last()
        await bench.remedies.cancel.cancel(event.id, WHO)
        many = bench.remedies.many
        assert [] == await many.select(FAILED, again=False)
        assert [[event.id]] * 2 == [
            [one.id for one in await many.select(which, again=again)]
            for which, again in (([event.id], False), (FAILED, True))
        ]


async def test_all_that_match_are_replayed_oldest_first_and_what_became_of_them_can_be_seen() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        ids = await failures(bench, 6)
        many = bench.remedies.many
        begun = await many.begin(FAILED, WHO)
        assert (6, 6, {}) == (begun.batch.total, begun.left, begun.counts)
        await worked_off(bench)
        ended = await many.progress(begun.batch.id)
        assert (0, {"succeeded": 6}) == (ended.left, ended.counts)
        assert [str(number) for number in range(6)] == [one["ID"] for one in await bench.records()]
        assert [(one, "succeeded") for one in ids] == [
            (item.event_id, item.verdict) for item in await many.items(begun.batch.id, 10)
        ]
        assert ids[4:] == [item.event_id for item in await many.items(begun.batch.id, 10, ids[3])]
        assert [begun.batch] == list(await many.batches())


async def test_what_is_refused_is_told_and_the_others_go_on() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        ids = await failures(bench, 2)
        begun = await bench.remedies.many.begin(ids, WHO)
        await bench.apply(webhook("other"), prune=True)
        await worked_off(bench)
        first, _ = await bench.remedies.many.items(begun.batch.id, 10)
        assert "refused" == first.verdict
        assert "does not exist any more" in first.why


async def test_a_cancelled_batch_replays_no_further_event() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        await failures(bench, 6)
        many = bench.remedies.many
        begun = await many.begin(FAILED, WHO)
        await bench.replays.take()
        await bench.clock.settle()
        await bench.replays.settle()
        await many.cancel(begun.batch.id, "Grace")
        await worked_off(bench)
        ended = await many.cancel(begun.batch.id, "Grace")
        assert (0, {"succeeded": 4, CANCELLED: 2}) == (ended.left, ended.counts)
        assert 4 == len(await bench.records())


async def test_another_node_goes_on_and_no_event_is_tried_twice() -> None:
    """The first node replays an event and dies before it says so."""
    async with engine(webhook(fields=LONG)) as bench:
        await failures(bench, 2)
        begun = await bench.remedies.many.begin(FAILED, WHO, again=True)
        other = await bench.another_node()
        [leased] = await bench.store.lease(ITEMS, bench.membership.node_id, 60, 1)
        await bench.remedies.many.do(leased)
        await bench.store.leave(bench.membership.node_id)
        await worked_off(other)
        ended = await other.remedies.many.progress(begun.batch.id)
        assert {"succeeded": 2} == ended.counts
        assert 2 == len(await bench.records())
        await bench.membership.join()


async def test_results_are_forgotten_after_a_week() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        await failures(bench, 1)
        begun = await bench.remedies.many.begin(FAILED, WHO)
        await worked_off(bench)
        await bench.clock.advance(8 * 86_400)
        await worked_off(bench)
        assert [] == list(await bench.store.list_jobs(ITEMS, "", 10))
        await bench.post("courses", {"id": "1"})
        await bench.remedies.many.begin([(await bench.last()).id], WHO)
        assert begun.batch.id not in [one.id for one in await bench.remedies.many.batches()]


async def test_nothing_to_replay_and_unknown_names_are_refused() -> None:
    async with engine(webhook()) as bench:
        many: ReplayMany = bench.remedies.many
        with pytest.raises(Conflict, match="no such event"):
            await many.begin(FAILED, WHO)
        with pytest.raises(NotFound):
            await many.begin(["01ARZ3NDEKTSV4RRFFQ69G5FAV"], WHO)
        with pytest.raises(NotFound):
            await many.progress("nothing")
