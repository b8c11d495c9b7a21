"""A node joins, beats, buries the dead, is buried and comes back as another one, and leaves."""

from __future__ import annotations

import asyncio
import logging

import pytest

from hookstation.core.events import State
from hookstation.core.jobs import JobState
from hookstation.engine.execute import TAKEN_OVER
from hookstation.engine.membership import BEAT, EXACT, SILENT
from hookstation.ports.connector import LookUp, LookUpVerdict, Written
from tests.support.engine import Engine, engine, webhook

AWAY = webhook("away", "far", marked=True, limits={"time": "0.01s"})
PATIENT = webhook("patient", "far", marked=True)


async def ids(bench: Engine) -> list[str]:
    return [node.id for node in await bench.store.nodes()]


async def sent(bench: Engine, name: str = "away") -> asyncio.Future[Written]:
    """A call that is under way."""
    gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
    bench.far.outcomes.append(gate)
    await bench.post(name, {"id": "7"})
    return gate


async def test_a_node_says_who_it_is_when_it_joins() -> None:
    async with engine() as bench:
        [node] = await bench.store.nodes()
        assert (bench.membership.node_id, "all", "http://node", "1.2.3") == (
            node.id,
            node.role,
            node.address,
            node.version,
        )
        assert (bench.clock.now(), bench.clock.now()) == (node.started_at, node.seen_at)
        assert [node.id] == [line["node"] for line in bench.log.told("node_joined")]


async def test_it_beats_often_enough_to_live() -> None:
    async with engine() as bench:
        other = await bench.another_node()
        beating = [asyncio.ensure_future(node.membership.run()) for node in (bench, other)]
        await bench.clock.advance(60)
        assert 2 == len(await ids(bench))
        assert [] == bench.log.told("node_died")
        for task in beating:
            task.cancel()


async def test_a_dead_node_is_noticed_within_ten_seconds_and_its_work_is_taken_over() -> None:
    async with engine(AWAY) as bench:
        other = await bench.another_node()
        await sent(bench)
        await bench.executor.drain(0)
        running = [asyncio.ensure_future(work) for work in (other.membership.run(), other.worker.run())]
        await bench.clock.advance(10)
        assert [other.membership.node_id] == await ids(bench)
        assert [bench.membership.node_id] == [line["node"] for line in bench.log.told("node_died")]
        assert State.UNKNOWN is (await bench.last()).state
        bench.far.found.append(LookUp(LookUpVerdict.FOUND, ("41",)))
        await bench.clock.advance(60)
        assert State.SUCCEEDED is (await bench.last()).state
        for task in running:
            task.cancel()


async def test_a_node_that_was_buried_joins_again_under_a_new_id(caplog: pytest.LogCaptureFixture) -> None:
    async with engine() as bench:
        other = await bench.another_node()
        first = bench.membership.node_id
        await bench.clock.advance(SILENT)
        await other.membership.beat()
        await other.membership.reap()
        assert [other.membership.node_id] == await ids(bench)
        with caplog.at_level(logging.WARNING):
            await bench.membership.beat()
        assert first != bench.membership.node_id
        assert {other.membership.node_id, bench.membership.node_id} == {*await ids(bench)}
        assert f"node {first} was silent for more than 6 seconds" in caplog.text


async def test_a_late_word_of_a_node_that_was_buried_changes_nothing_and_its_sender_gets_202() -> None:
    async with engine(PATIENT) as bench:
        other = await bench.another_node()
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        sender = asyncio.ensure_future(bench.post("patient", {"id": "7"}))
        await bench.clock.advance(SILENT)
        await other.membership.beat()
        await other.membership.reap()
        await other.settle_after(0)
        assert State.UNKNOWN is (await bench.last()).state
        gate.set_result(Written("5"))
        answer = await sender
        event = await bench.last()
        assert (202, State.UNKNOWN, "") == (answer.status, event.state, event.record_key)
        assert f"/hooks/runs/{event.run_id}" == dict(answer.headers)["Location"]
        assert TAKEN_OVER == bench.log.told("attempt_ended")[-1]["error"]
        bench.far.found.append(LookUp(LookUpVerdict.FOUND, ("5",)))
        await other.settle_after(300)
        assert (State.SUCCEEDED, "5") == ((await bench.last()).state, (await bench.last()).record_key)


async def test_a_node_that_leases_nothing_while_it_is_buried_leases_again_afterwards() -> None:
    async with engine(AWAY) as bench:
        other = await bench.another_node()
        await sent(bench)
        await bench.executor.drain(0)
        await bench.clock.advance(SILENT)
        await other.membership.beat()
        await other.membership.reap()
        assert 0 == await bench.worker.take()
        await bench.membership.beat()
        assert 1 == await bench.worker.take()
        await bench.clock.settle()


async def test_each_beat_puts_the_clock_right() -> None:
    async with engine() as bench:
        assert [bench.clock.now()] == bench.corrected
        await bench.clock.advance(BEAT)
        await bench.membership.beat()
        assert bench.clock.now() == bench.corrected[-1]
        assert 2 == len(bench.corrected)


async def test_an_answer_that_took_long_does_not_put_the_clock_wrong() -> None:
    """A node that stood still between the question and the answer hears a time that is long over."""
    async with engine() as bench:
        beat = bench.store.beat

        async def slow(node_id: str) -> int | None:
            now = await beat(node_id)
            await bench.clock.sleep(2 * EXACT)
            return now

        bench.store.beat = slow  # type: ignore[method-assign]
        beating = asyncio.ensure_future(bench.membership.beat())
        await bench.clock.advance(3 * EXACT)
        await beating
        assert 1 == len(bench.corrected)


async def test_a_database_that_is_away_is_outlived() -> None:
    async with engine() as bench:
        beating = asyncio.ensure_future(bench.membership.run())
        bench.store.unavailable = "gone"
        await bench.clock.advance(60)
        bench.store.unavailable = ""
        await bench.clock.advance(BEAT)
        assert [bench.membership.node_id] == await ids(bench)
        beating.cancel()


async def test_a_mistake_does_not_stop_the_heart(caplog: pytest.LogCaptureFixture) -> None:
    async with engine() as bench:
        beat, mistakes = bench.store.beat, [RuntimeError("nobody thought of that")]

        async def broken(node_id: str) -> int | None:
            if mistakes:
                raise mistakes.pop()
            return await beat(node_id)

        bench.store.beat = broken  # type: ignore[method-assign]
        beating = asyncio.ensure_future(bench.membership.run())
        await bench.clock.advance(3 * BEAT)
        assert "nobody thought of that" in caplog.text
        [node] = await bench.store.nodes()
        assert bench.clock.now() == node.seen_at
        beating.cancel()


async def test_a_node_that_leaves_gives_back_what_it_had() -> None:
    async with engine(AWAY) as bench:
        other = await bench.another_node()
        await sent(bench)
        await bench.executor.drain(0)
        await bench.membership.leave()
        job = await bench.job()
        assert job is not None
        assert (JobState.READY, bench.clock.now()) == (job.state, job.due_at)
        assert [other.membership.node_id] == await ids(bench)
        assert 1 == len(bench.log.told("node_left"))
        await other.settle_after(0)
        assert State.UNKNOWN is (await bench.last()).state


async def test_a_database_that_is_away_does_not_keep_a_node_from_ending() -> None:
    async with engine() as bench:
        bench.store.unavailable = "gone"
        await bench.membership.leave()
        assert [] == bench.log.told("node_left")
        bench.store.unavailable = ""
