"""Cancel: a person ends what is held or looked up, whoever holds its job, and what waits behind it goes on."""

from __future__ import annotations

import asyncio

import pytest

from hookstation.core.events import State
from hookstation.core.jobs import EVENTS
from hookstation.engine.execute import FIRST_HOLD
from hookstation.engine.runs import ENDED_BY_US
from hookstation.errors import Conflict, NotFound, Retriable, UnknownOutcome
from hookstation.ports.connector import Written
from tests.support.engine import FAR, PANEL, engine, webhook
from tests.support.queued import status

AWAY = Retriable("The target is off-line.")
LOST = UnknownOutcome("The connection broke.")
HOLDS = webhook("holds", "far", hold=True, marked=True)
KEYED = webhook("keyed", "far", marked=True, duplicates={"key": "header:x-id"})
WHO = "Ada"


async def test_a_held_event_ends_as_failed_and_the_next_of_its_order_goes_on() -> None:
    async with engine(HOLDS) as bench:
        bench.far.outcomes.append(AWAY)
        for person in "12":
            assert 202 == (await bench.post("holds", {"id": person})).status
        first = (await bench.events())[0]
        ended = await bench.remedies.cancel.cancel(first.id, WHO)
        assert (State.FAILED, "Cancelled by Ada while it was held; nothing was sent.") == (
            ended.state,
            ended.error,
        )
        await bench.settle_after(0)
        assert ["1", "2"] == [record.fields["ID"] for record in bench.far.executed]
        assert [State.FAILED, State.SUCCEEDED] == [event.state for event in await bench.events()]
        assert [(first.id, WHO)] == [
            (line["event_id"], line["by"]) for line in bench.log.told("event_cancelled")
        ]
        assert 1 == len(bench.log.told("holding_ended"))


async def test_a_worker_that_holds_the_event_can_do_nothing_with_it_any_more() -> None:
    async with engine(HOLDS) as bench:
        bench.far.outcomes.append(AWAY)
        await bench.post("holds", {"id": "1"})
        event = await bench.last()
        await bench.clock.advance(FIRST_HOLD)
        [leased] = await bench.store.lease(EVENTS, bench.membership.node_id, 60, 1)
        await bench.remedies.cancel.cancel(event.id, WHO)
        await bench.settler.do(leased)
        assert ([], 1) == (
            list(await bench.store.list_jobs(EVENTS, "", 10)),
            len(bench.far.executed),
        )
        assert State.FAILED is (await bench.last()).state


async def test_an_unknown_event_that_is_looked_up_ends_and_frees_its_dedup_key() -> None:
    async with engine(KEYED) as bench:
        bench.far.outcomes.append(LOST)
        assert 202 == (await bench.post("keyed", {"id": "1"}, x_id="k")).status
        ended = await bench.remedies.cancel.cancel((await bench.last()).id, WHO)
        assert (State.FAILED, None) == (ended.state, await bench.job())
        assert "was not looked up any further" in ended.error
        assert 200 == (await bench.post("keyed", {"id": "1"}, x_id="k")).status
        assert 2 == len(bench.far.executed)


async def test_the_turn_at_its_row_is_free_afterwards() -> None:
    action = {
        "type": "upsert_panel",
        "connection": "far",
        "panel": "Courses",
        "match": {"ID": "$$id$$"},
        "fields": {"Code": "$$note$$"},
    }
    async with engine(panels=[PANEL]) as bench:
        bench.far.entities = {**bench.far.entities, "Courses": bench.board.panels["Courses"].spec}
        await bench.apply(webhook("rows", action=action), connections=FAR)
        bench.far.outcomes.append(LOST)
        assert 202 == (await bench.post("rows", {"id": "1", "note": "a"})).status
        await bench.remedies.cancel.cancel((await bench.last()).id, WHO)
        assert 200 == (await bench.post("rows", {"id": "1", "note": "b"})).status


async def test_a_call_under_way_cannot_be_called_back() -> None:
    async with engine(HOLDS) as bench:
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        call = asyncio.ensure_future(bench.post("holds", {"id": "1"}))
        await bench.clock.settle()
        with pytest.raises(Conflict, match="cannot be called back"):
            await bench.remedies.cancel.cancel((await bench.last()).id, WHO)
        other = await bench.another_node()
        with pytest.raises(Conflict, match="cannot be called back"):
            await other.remedies.cancel.cancel((await bench.last()).id, WHO)
        gate.set_result(Written("41"))
        assert 200 == (await call).status


async def test_an_event_whose_node_is_dead_can_be_cancelled() -> None:
    async with engine(HOLDS) as bench:
        bench.far.outcomes.append(asyncio.get_running_loop().create_future())
        call = asyncio.ensure_future(bench.post("holds", {"id": "1"}))
        await bench.clock.settle()
        other = await bench.another_node()
        await bench.dies()
        call.cancel()
        ended = await other.remedies.cancel.cancel((await bench.last()).id, WHO)
        assert (State.FAILED, None) == (ended.state, await bench.job())


async def test_what_has_ended_cannot_be_cancelled() -> None:
    async with engine(webhook()) as bench:
        await bench.post("courses", {"id": "1"})
        with pytest.raises(Conflict, match="succeeded already"):
            await bench.remedies.cancel.cancel((await bench.last()).id, WHO)
        with pytest.raises(NotFound):
            await bench.remedies.cancel.cancel("01ARZ3NDEKTSV4RRFFQ69G5FAV", WHO)


async def test_the_sender_is_not_told_who_cancelled_and_cancelling_again_says_what_became_of_it() -> None:
    async with engine(HOLDS) as bench:
        bench.far.outcomes.append(AWAY)
        await bench.post("holds", {"id": "1"})
        event = await bench.last()
        await bench.remedies.cancel.cancel(event.id, WHO)
        said = await status(bench)
        assert (200, "cancelled", ENDED_BY_US) == (said["code"], said["status"], said["error"])
        with pytest.raises(Conflict, match="is cancelled already"):
            await bench.remedies.cancel.cancel(event.id, WHO)


async def test_what_is_left_to_a_person_is_resolved_and_not_cancelled() -> None:
    async with engine(webhook("away", "far")) as bench:
        bench.far.outcomes.append(LOST)
        await bench.post("away", {"id": "1"})
        await bench.settle_after(bench.far.settle_after + 60)
        await bench.settle_after(bench.far.settle_after + 60)
        with pytest.raises(Conflict, match="events resolve"):
            await bench.remedies.cancel.cancel((await bench.last()).id, WHO)
