"""Calls to targets: each in a task of its own, settled whatever its sender does."""

from __future__ import annotations

import asyncio
import logging

import pytest

from hookstation.core.events import State
from hookstation.engine.execute import FIRST_LOOK_UP, NOT_CALLED, STOOD_STILL, STORE_PAUSE
from hookstation.engine.unfinished import read_unfinished
from hookstation.errors import Terminal, UnknownOutcome
from hookstation.ports.connector import Written
from hookstation.ports.store import Acceptance, Committed
from tests.support.engine import engine, webhook


async def test_a_call_is_settled_though_its_sender_went_away() -> None:
    async with engine(webhook("away", "far")) as bench:
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        sender = asyncio.ensure_future(bench.post("away", {"id": "7"}))
        await bench.clock.settle()
        sender.cancel()
        await asyncio.wait({sender})
        gate.set_result(Written("5"))
        await bench.clock.settle()
        event = await bench.last()
        assert (State.SUCCEEDED, "5") == (event.state, event.record_key)


async def test_settling_goes_on_until_the_database_can_commit() -> None:
    async with engine(webhook("away", "far")) as bench:
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        sender = asyncio.ensure_future(bench.post("away", {"id": "7"}))
        await bench.clock.settle()
        bench.store.unavailable = "full"
        gate.set_result(Written("5"))
        await bench.clock.advance(3 * STORE_PAUSE)
        assert (State.SENDING, False) == ((await bench.last()).state, sender.done())
        bench.store.unavailable = ""
        await bench.clock.advance(STORE_PAUSE)
        assert (State.SUCCEEDED, 200) == ((await bench.last()).state, (await sender).status)
        assert 1 == len(bench.far.executed)


async def test_an_unknown_outcome_is_first_looked_up_after_a_moment() -> None:
    async with engine(webhook("away", "far")) as bench:
        bench.far.outcomes.append(UnknownOutcome("dropped"))
        await bench.post("away", {"id": "7"})
        job = await bench.job()
        assert job is not None
        assert (bench.clock.now() + int(FIRST_LOOK_UP * 1_000_000), bench.clock.now(), 0) == (
            job.due_at,
            read_unfinished(job.job).since,
            job.job.tries,
        )


async def test_one_line_tells_of_each_attempt_with_every_id() -> None:
    async with engine(webhook("away", "far")) as bench:
        bench.far.outcomes.append(Terminal("no such person"))
        await bench.post("away", {"id": "7"})
        event = await bench.last()
        [line] = bench.log.told("attempt_ended")
        expected = {
            "event_id": event.id,
            "run_id": event.run_id,
            "webhook": "away",
            "connection": "far",
            "entity": "Activity",
            "attempt": 1,
            "state": "failed",
            "error": "no such person",
        }
        assert expected.items() <= line.items()
        assert type(line["duration_us"]) is int


async def test_details_of_a_refusal_go_to_the_log_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    async with engine(webhook("away", "far")) as bench:
        bench.far.outcomes.append(Terminal("refused", detail="at 10.0.0.7"))
        with caplog.at_level(logging.WARNING):
            answer = await bench.post("away", {"id": "7"})
        assert "at 10.0.0.7" in caplog.text
        assert b"10.0.0.7" not in answer.body
        assert "refused" == (await bench.last()).error


async def test_draining_waits_for_calls_and_then_leaves_them_to_a_look_up() -> None:
    async with engine(webhook("away", "far", limits={"time": "0.01s"})) as bench:
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        await bench.post("away", {"id": "7"})
        event = await bench.last()
        assert bench.executor.is_under_way(event.id)
        assert 1 == await bench.executor.drain(0.01)
        await bench.clock.settle()
        assert not bench.executor.is_under_way(event.id)
        assert State.SENDING is (await bench.last()).state
        await bench.membership.leave()
        await bench.is_born()
        await bench.worker.take()
        await bench.clock.settle()
        assert State.UNKNOWN is (await bench.last()).state


async def test_draining_an_idle_station_takes_no_time() -> None:
    async with engine(webhook("away", "far")) as bench:
        assert 0 == await bench.executor.drain(60)


async def test_a_call_whose_node_stood_still_before_it_is_not_made() -> None:
    """The others took over meanwhile and may be sure that nothing will land any more."""
    async with engine(webhook("away", "far", limits={"time": "300s"})) as bench:
        accept = bench.store.accept

        async def late(acceptance: Acceptance) -> Committed:
            committed = await accept(acceptance)
            await bench.clock.sleep(STOOD_STILL + 1)
            return committed

        bench.store.accept = lambda one: asyncio.ensure_future(late(one))  # type: ignore[assignment, method-assign]
        sender = asyncio.ensure_future(bench.post("away", {"id": "7"}))
        await bench.clock.advance(STOOD_STILL + 1)
        answer = await sender
        assert (500, State.FAILED, NOT_CALLED) == (
            answer.status,
            (await bench.last()).state,
            (await bench.last()).error,
        )
        assert [] == bench.far.executed
