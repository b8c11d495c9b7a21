"""Held events: kept while their target is away, sent in their order when it works again, told of once."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest

from hookstation.core.events import Answer, State
from hookstation.core.jobs import EVENTS
from hookstation.engine.execute import FIRST_HOLD, FIRST_LOOK_UP, LONGEST_HOLD, LONGEST_HOLD_REFUSED
from hookstation.engine.membership import SILENT
from hookstation.engine.process import WAITS_BEHIND
from hookstation.engine.runs import Runs
from hookstation.engine.unfinished import read_unfinished
from hookstation.errors import Invalid, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.connector import LookUp, LookUpVerdict, Written
from tests.support.engine import Engine, connection, engine, webhook

HOLDS = webhook("holds", "far", hold=True, marked=True)
HASTY = webhook("hasty", "far", hold=True, marked=True, limits={"time": "0.01s"})
KEYED = webhook("keyed", "far", hold=True, duplicates={"key": "header:x-id"})
SETTLE_AFTER = 300.0
AWAY = Retriable("The target is off-line.")
REFUSED = NeedsAuth("The target refuses the credentials.")

Gate = asyncio.Future[Written]


async def call(bench: Engine, person: str, name: str = "holds") -> Answer:
    return await bench.post(name, {"id": person})


async def hold(bench: Engine, *people: str, why: Exception = AWAY) -> None:
    """The first of these people's events meets a target that is away; the others stand behind it."""
    bench.far.outcomes.append(why)
    for person in people:
        assert 202 == (await call(bench, person)).status


async def states(bench: Engine) -> list[State]:
    return [event.state for event in await bench.events()]


def people(bench: Engine) -> list[Any]:
    """Whose records were sent, in their order."""
    return [record.fields["ID"] for record in bench.far.executed]


def gate(bench: Engine) -> Gate:
    """The next call waits for this."""
    made: Gate = asyncio.get_running_loop().create_future()
    bench.far.outcomes.append(made)
    return made


def alerts(bench: Engine) -> tuple[int, int]:
    return len(bench.log.told("holding_began")), len(bench.log.told("holding_ended"))


@pytest.mark.parametrize("why", [AWAY, REFUSED])
async def test_an_event_is_kept_while_its_target_is_away_and_its_sender_has_a_status_address(
    why: Exception,
) -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1", why=why)
        answer = await call(bench, "2")
        first, second = await bench.events()
        assert [(State.HELD, str(why)), (State.HELD, WAITS_BEHIND)] == [
            (event.state, event.error) for event in (first, second)
        ]
        assert {"success": True, "pending": True, "id": second.run_id} == json.loads(answer.body)
        assert f"/hooks/runs/{second.run_id}" == dict(answer.headers)["Location"]
        assert "Retry-After" in dict(answer.headers)
        shown = await Runs(bench.store).answer("GET", second.run_id)
        assert (202, "queued") == (shown.status, json.loads(shown.body)["status"])


async def test_without_hold_a_target_that_is_away_is_a_500() -> None:
    async with engine(webhook("away", "far")) as bench:
        bench.far.outcomes.extend([AWAY, REFUSED])
        assert [500, 500] == [(await call(bench, person, "away")).status for person in "12"]
        assert [State.FAILED] * 2 == await states(bench)


async def test_what_is_held_goes_in_order_and_by_itself() -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1", "2", "3")
        assert ["1"] == people(bench)
        await bench.settle_after(FIRST_HOLD)
        assert ["1", "1", "2", "3"] == people(bench)
        assert [State.SUCCEEDED] * 3 == await states(bench)
        assert [2, 1, 1] == [event.attempts for event in await bench.events()]
        assert 200 == (await call(bench, "4")).status


async def test_nothing_is_sent_past_what_is_held() -> None:
    """Not even while the first of them is on its way again."""
    async with engine(HOLDS) as bench:
        await hold(bench, "1")
        second = gate(bench)
        await bench.settle_after(FIRST_HOLD)
        assert 202 == (await call(bench, "2")).status
        assert ["1", "1"] == people(bench)
        second.set_result(Written("9"))
        await bench.settle_after(0)
        assert ["1", "1", "2"] == people(bench)


async def test_events_that_were_on_their_way_when_the_target_went_away_keep_their_order() -> None:
    async with engine(HASTY) as bench:
        gates = [gate(bench) for _ in range(3)]
        for person in "123":
            await call(bench, person, "hasty")
        for one in (gates[2], gates[0], gates[1]):
            one.set_exception(AWAY)
            await bench.clock.settle()
        await bench.settle_after(FIRST_HOLD)
        assert ["1", "2", "3"] == people(bench)[3:]
        assert (1, 1) == alerts(bench)


async def test_the_alert_comes_once_when_holding_begins_and_once_when_it_has_ended() -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1", "2", why=REFUSED)
        bench.far.outcomes.extend([REFUSED] * 4)
        for _ in range(4):
            await bench.settle_after(LONGEST_HOLD_REFUSED)
        assert (1, 0) == alerts(bench)
        [began] = bench.log.told("holding_began")
        assert {"webhook": "holds", "connection": "far", "error": str(REFUSED)}.items() <= began.items()
        await bench.settle_after(LONGEST_HOLD_REFUSED)
        assert [State.SUCCEEDED] * 2 == await states(bench)
        assert (1, 1) == alerts(bench)
        assert "holds" == bench.log.told("holding_ended")[0]["webhook"]


async def test_a_webhook_that_holds_again_tells_so_again() -> None:
    async with engine(HOLDS) as bench:
        for _ in range(2):
            await hold(bench, "1")
            await bench.settle_after(FIRST_HOLD)
        assert (2, 2) == alerts(bench)


@pytest.mark.parametrize(("why", "longest"), [(AWAY, LONGEST_HOLD), (REFUSED, LONGEST_HOLD_REFUSED)])
async def test_a_held_event_is_tried_ever_less_often_up_to_a_bound(why: Exception, longest: float) -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1", why=why)
        pauses = []
        for _ in range(14):
            job = await bench.job()
            assert job is not None
            pauses.append((job.due_at - bench.clock.now()) / 1_000_000)
            bench.far.outcomes.append(why)
            await bench.settle_after(pauses[-1])
        assert (FIRST_HOLD, longest) == (pauses[0], pauses[-1])
        assert all(later == min(2 * earlier, longest) for earlier, later in itertools.pairwise(pauses))
        assert 15 == len(bench.far.executed)


async def test_a_changed_connection_is_tried_at_once() -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1", "2", why=REFUSED)
        bench.far.outcomes.append(REFUSED)
        await bench.settle_after(FIRST_HOLD)
        await bench.apply(connections=[connection(password="new")])
        await bench.settle_after(0)
        assert [State.SUCCEEDED] * 2 == await states(bench)


async def test_a_try_that_met_the_connection_before_its_change_is_made_again_at_once() -> None:
    """The old password was on its way when the new one was given."""
    async with engine(HOLDS) as bench:
        await hold(bench, "1", why=REFUSED)
        for _ in range(9):
            bench.far.outcomes.append(REFUSED)
            await bench.settle_after(LONGEST_HOLD_REFUSED)
        old = gate(bench)
        await bench.settle_after(LONGEST_HOLD_REFUSED)
        await bench.apply(connections=[connection(password="new")])
        old.set_exception(REFUSED)
        await bench.settle_after(0)
        assert [State.SUCCEEDED] == await states(bench)


async def test_a_connection_that_was_taken_away_and_comes_back_is_tried_at_once() -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1")
        await bench.configurator.delete("webhook", "holds")
        await bench.configurator.delete("connection", "far")
        await bench.settle_after(FIRST_HOLD)
        event = await bench.last()
        assert (State.HELD, "The connection “far” is not configured any more.", 1) == (
            event.state,
            event.error,
            event.attempts,
        )
        await bench.apply(HOLDS, connections=[connection()])
        await bench.settle_after(0)
        assert [State.SUCCEEDED] == await states(bench)


async def test_a_held_event_that_is_refused_for_good_lets_the_next_one_go() -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1", "2")
        bench.far.outcomes.append(Terminal("no such person"))
        await bench.settle_after(FIRST_HOLD)
        assert [State.FAILED, State.SUCCEEDED] == await states(bench)
        shown = await Runs(bench.store).answer("GET", (await bench.events())[0].run_id)
        assert ("failed", "no such person") == (
            json.loads(shown.body)["status"],
            json.loads(shown.body)["error"],
        )
        assert (1, 1) == alerts(bench)


async def test_a_held_event_whose_outcome_is_unknown_keeps_the_order_until_it_is_settled() -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1", "2")
        bench.far.outcomes.append(UnknownOutcome("dropped"))
        await bench.settle_after(FIRST_HOLD)
        assert 202 == (await call(bench, "3")).status
        assert [State.UNKNOWN, State.HELD, State.HELD] == await states(bench)
        await bench.settle_after(FIRST_LOOK_UP)
        assert ["1", "1"] == people(bench)
        bench.far.found.append(LookUp(LookUpVerdict.FOUND, ("41",)))
        await bench.settle_after(SETTLE_AFTER / 2)
        assert [State.SUCCEEDED] * 3 == await states(bench)
        assert (["1", "1", "2", "3"], (1, 1)) == (people(bench), alerts(bench))


async def test_a_held_event_that_surely_was_not_written_is_held_again_where_its_target_is_away_again() -> (
    None
):
    """Its sender was told that it is safe: it does not fail because the target went away in between."""
    async with engine(HOLDS) as bench:
        await hold(bench, "1", "2")
        bench.far.outcomes.extend([UnknownOutcome("dropped"), AWAY])
        await bench.settle_after(FIRST_HOLD)
        await bench.settle_after(SETTLE_AFTER)
        assert [State.HELD, State.HELD] == await states(bench)
        await bench.settle_after(LONGEST_HOLD)
        assert ([State.SUCCEEDED] * 2, ["1", "1", "1", "1", "2"]) == (await states(bench), people(bench))
        assert (1, 1) == alerts(bench)


async def test_an_unknown_event_of_a_webhook_that_holds_is_held_where_its_target_is_away_when_it_is_sent_again() -> (
    None
):
    async with engine(HOLDS) as bench:
        bench.far.outcomes.extend([UnknownOutcome("dropped"), AWAY])
        assert 202 == (await call(bench, "1")).status
        await bench.settle_after(SETTLE_AFTER)
        assert ([State.HELD], (1, 0)) == (await states(bench), alerts(bench))
        await bench.settle_after(LONGEST_HOLD)
        assert ([State.SUCCEEDED], (1, 1)) == (await states(bench), alerts(bench))


async def test_an_unknown_event_that_is_to_be_sent_again_takes_its_place_among_what_is_held() -> None:
    async with engine(HOLDS) as bench:
        bench.far.outcomes.append(UnknownOutcome("dropped"))
        await call(bench, "1")
        await hold(bench, "2", "3")
        bench.far.outcomes.extend([AWAY] * 60)
        running = asyncio.ensure_future(bench.worker.run())
        await bench.clock.advance(SETTLE_AFTER + LONGEST_HOLD)
        assert [State.HELD] * 3 == await states(bench)
        bench.far.outcomes.clear()
        bench.far.executed.clear()
        await bench.clock.advance(2 * LONGEST_HOLD)
        assert (["1", "2", "3"], (1, 1)) == (people(bench), alerts(bench))
        running.cancel()


async def test_a_repeat_of_a_held_event_gets_the_same_status_address() -> None:
    async with engine(KEYED) as bench:
        bench.far.outcomes.append(AWAY)
        firsts = [await bench.post("keyed", {"id": one}, x_id=one) for one in "12"]
        repeats = [await bench.post("keyed", {"id": one}, x_id=one) for one in "12"]
        assert [202] * 4 == [answer.status for answer in firsts + repeats]
        assert [answer.body for answer in firsts] == [answer.body for answer in repeats]
        assert 409 == (await bench.post("keyed", {"id": "other"}, x_id="2")).status
        assert 2 == len(await bench.events())
        await bench.settle_after(FIRST_HOLD)
        stored = await bench.post("keyed", {"id": "2"}, x_id="2")
        assert (200, "true") == (stored.status, dict(stored.headers)["Hookstation-Replayed"])
        assert ["1", "1", "2"] == people(bench)


async def test_what_is_held_is_sent_as_it_was_mapped_when_it_came() -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1")
        job = await bench.job()
        assert job is not None
        assert bench.far.executed == [read_unfinished(job.job).record]
        await bench.apply(webhook("holds", "far", hold=True, marked=True, fields={"Note": "another"}))
        await bench.settle_after(FIRST_HOLD)
        first, second = bench.far.executed
        assert first == second


async def test_what_is_held_still_goes_where_the_webhook_holds_no_more() -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1", "2")
        await bench.apply(webhook("holds", "far", marked=True))
        assert 200 == (await call(bench, "3")).status
        await bench.settle_after(FIRST_HOLD)
        assert [State.SUCCEEDED] * 3 == await states(bench)


async def test_the_built_in_target_cannot_be_held_for() -> None:
    async with engine() as bench:
        with pytest.raises(Invalid, match=r"webhooks\.0\.hold: is for targets elsewhere"):
            await bench.apply(webhook("here", "records", hold=True))


async def test_what_is_held_outlives_its_process() -> None:
    async with engine(HOLDS) as bench:
        await hold(bench, "1", "2", "3")
        await bench.dies()
        await bench.is_born()
        await bench.settle_after(FIRST_HOLD)
        assert (["1", "1", "2", "3"], (1, 1)) == (people(bench), alerts(bench))


async def test_a_node_that_dies_while_it_sends_a_held_event_leaves_the_order_to_the_others() -> None:
    """What it was sending is looked up first; nothing goes past it meanwhile."""
    async with engine(HOLDS) as bench:
        other = await bench.another_node()
        await hold(bench, "1", "2")
        gate(bench)
        await bench.settle_after(FIRST_HOLD)
        await bench.executor.drain(0)
        await bench.clock.advance(SILENT + 1)
        await other.membership.beat()
        await other.membership.reap()
        await other.settle_after(0)
        assert [State.UNKNOWN, State.HELD] == await states(bench)
        bench.far.found.append(LookUp(LookUpVerdict.FOUND, ("41",)))
        await other.settle_after(SETTLE_AFTER)
        assert [State.SUCCEEDED] * 2 == await states(bench)
        assert (["1", "1", "2"], (1, 1)) == (people(bench), alerts(bench))


async def test_two_nodes_never_send_two_events_of_a_webhook_at_once_while_it_holds() -> None:
    async with engine(HASTY) as bench:
        nodes = [bench, await bench.another_node()]
        bench.far.outcomes.append(AWAY)
        for number, node in zip(range(12), itertools.cycle(nodes), strict=False):
            assert 202 == (await call(node, f"{number:02}", "hasty")).status
        gates = [gate(bench) for _ in range(12)]
        await bench.clock.advance(FIRST_HOLD)
        for number, one in enumerate(gates):
            for node in nodes:
                await node.worker.take()
            await bench.clock.settle()
            assert number + 2 == len(bench.far.executed)
            one.set_result(Written(str(number)))
            await bench.clock.settle()
        assert [f"{number:02}" for number in range(12)] == people(bench)[1:]
        assert (1, 1) == alerts(bench)


async def test_other_webhooks_of_the_same_connection_are_not_held() -> None:
    async with engine(HOLDS, webhook("away", "far")) as bench:
        await hold(bench, "1", "2")
        assert 200 == (await call(bench, "3", "away")).status
        assert {"holds": 2} == await bench.store.count_waiting(EVENTS)
