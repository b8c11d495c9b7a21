"""Upserts of one row run one after the other, also across an unknown outcome and a restart."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hookstation.core.events import Answer, State
from hookstation.core.jobs import EVENTS
from hookstation.core.values import JSON
from hookstation.engine.execute import FIRST_LOOK_UP
from hookstation.engine.lanes import LONGEST_PAUSE, OCCUPIED, Lanes
from hookstation.engine.settle import LEFT_TO_A_PERSON
from hookstation.errors import Conflict, Terminal, UnknownOutcome
from hookstation.ports.connector import LookUp, LookUpVerdict, Written
from tests.support.engine import FAR, PANEL, Engine, engine, webhook

SETTLE_AFTER = 300.0
PATIENT: JSON = {"time": "25s"}
HASTY: JSON = {"time": "0.04s"}


def away(name: str, limits: JSON, **action: Any) -> JSON:
    """An upsert of the far panel `Courses`, matched on its person; marked by the event id unless told otherwise."""
    kind = {
        "type": "upsert_panel",
        "connection": "far",
        "panel": "Courses",
        "match": {"ID": "$$id$$"},
        "fields": {"Code": "$$note$$"},
        **action,
    }
    return webhook(name, limits=limits, action=kind)


async def bench_of(made: Engine) -> Engine:
    """The far target has the panel too."""
    made.far.entities = {**made.far.entities, "Courses": made.board.panels["Courses"].spec}
    marked = {"Code": "$$note$$", "Grade": "{{ event_id }}"}
    await made.apply(
        away("plain", PATIENT),
        away("hasty", HASTY),
        away("marked", PATIENT, fields=marked),
        away("update", PATIENT, type="update_panel"),
        connections=FAR,
    )
    return made


async def lost(bench: Engine, name: str = "plain", person: str = "7") -> None:
    """An upsert whose outcome is not known."""
    bench.far.outcomes.append(UnknownOutcome("the answer did not come"))
    assert 202 == (await bench.post(name, {"id": person, "note": "A"})).status


async def hasty(bench: Engine, person: str = "7") -> Answer:
    """The answer to an upsert whose sender does not wait long."""
    call = asyncio.ensure_future(bench.post("hasty", {"id": person, "note": "B"}))
    await bench.clock.advance(1)
    return await call


def error(body: bytes) -> Any:
    return json.loads(body)["error"]


async def test_a_second_upsert_waits_for_the_first_and_is_sent_after_it() -> None:
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        calls = [
            asyncio.ensure_future(bench.post("plain", {"id": "7", "note": note})) for note in ("A", "B", "C")
        ]
        await bench.clock.settle()
        assert (1, 1) == (len(bench.far.executed), len(await bench.events()))
        gate.set_result(Written("5"))
        assert [200] * 3 == [answer.status for answer in await asyncio.gather(*calls)]
        assert ["A", "B", "C"] == [record.fields["Code"] for record in bench.far.executed]
        assert 0 == len(bench.executor.lanes)


async def test_an_upsert_whose_outcome_is_unknown_keeps_the_next_one_from_being_sent() -> None:
    """It is told so, its event has failed, and sent again after the first was found it is written."""
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        await lost(bench)
        answer = await hasty(bench)
        assert (500, OCCUPIED) == (answer.status, error(answer.body))
        assert (State.FAILED, OCCUPIED, 1) == (
            (await bench.last()).state,
            (await bench.last()).error,
            len(bench.far.executed),
        )
        bench.far.found.append(LookUp(LookUpVerdict.FOUND, ("41",)))
        await bench.settle_after(FIRST_LOOK_UP)
        assert 200 == (await bench.post("plain", {"id": "7", "note": "B"})).status
        assert 0 == len(bench.executor.lanes)


async def test_who_waits_is_sent_as_soon_as_the_first_is_found() -> None:
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        await lost(bench)
        second = asyncio.ensure_future(bench.post("plain", {"id": "7", "note": "B"}))
        await bench.clock.settle()
        assert 1 == len(bench.far.executed)
        bench.far.found.append(LookUp(LookUpVerdict.FOUND, ("41",)))
        await bench.settle_after(FIRST_LOOK_UP)
        await bench.clock.advance(LONGEST_PAUSE)
        assert (200, 2) == ((await second).status, len(bench.far.executed))


async def test_other_rows_and_other_operations_do_not_wait() -> None:
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        await lost(bench)
        assert 200 == (await bench.post("plain", {"id": "8", "note": "B"})).status
        assert 200 == (await bench.post("update", {"id": "7", "note": "B"})).status


async def test_a_refusal_gives_the_turn_on() -> None:
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        bench.far.outcomes.append(Terminal("no such person"))
        assert [500, 200] == [
            (await bench.post("plain", {"id": "7", "note": note})).status for note in ("A", "B")
        ]


async def test_an_upsert_that_is_left_to_a_person_gives_the_turn_on() -> None:
    """By then the target's own time has passed: a search finds what stands there."""
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        await lost(bench)
        await bench.settle_after(SETTLE_AFTER)
        assert LEFT_TO_A_PERSON == (await bench.last()).error
        assert 200 == (await bench.post("plain", {"id": "7", "note": "B"})).status


async def test_an_upsert_that_is_sent_again_keeps_its_turn_until_it_has_ended() -> None:
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        await lost(bench, "marked")
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        await bench.settle_after(SETTLE_AFTER)
        assert 2 == len(bench.far.executed)
        assert 500 == (await hasty(bench)).status
        gate.set_result(Written("5"))
        await bench.clock.settle()
        assert 200 == (await bench.post("plain", {"id": "7", "note": "B"})).status


async def test_after_a_restart_what_is_unsettled_still_has_its_turn() -> None:
    """A process died in the middle of one call and while another one was unknown."""
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        await lost(bench)
        bench.far.outcomes.append(asyncio.get_running_loop().create_future())
        await bench.post("hasty", {"id": "8", "note": "A"})
        await bench.dies()
        await bench.is_born()
        for person in ("7", "8"):
            assert 500 == (await hasty(bench, person)).status
        bench.far.found.extend([LookUp(LookUpVerdict.FOUND, (key,)) for key in ("41", "42")])
        await bench.settle_after(FIRST_LOOK_UP)
        for person in ("7", "8"):
            assert 200 == (await bench.post("plain", {"id": person, "note": "B"})).status


async def test_two_nodes_never_send_two_upserts_of_one_row_at_once() -> None:
    """The second waits for its turn in the database, and is sent when the first has ended."""
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        other = await bench.another_node()
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        calls = [
            asyncio.ensure_future(node.post("plain", {"id": "7", "note": note}))
            for node, note in ((bench, "A"), (other, "B"))
        ]
        await bench.clock.advance(5)
        assert ["A"] == [record.fields["Code"] for record in bench.far.executed]
        gate.set_result(Written("5"))
        await bench.clock.advance(LONGEST_PAUSE)
        assert [200, 200] == [answer.status for answer in await asyncio.gather(*calls)]
        assert ["A", "B"] == [record.fields["Code"] for record in bench.far.executed]
        assert (0, 0) == (len(bench.executor.lanes), len(other.executor.lanes))


async def test_an_upsert_whose_turn_another_node_keeps_for_too_long_is_refused() -> None:
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        other = await bench.another_node()
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        first = asyncio.ensure_future(bench.post("plain", {"id": "7", "note": "A"}))
        await bench.clock.settle()
        answer = await hasty(other)
        assert (500, OCCUPIED, 1) == (answer.status, error(answer.body), len(bench.far.executed))
        assert [State.SENDING, State.FAILED] == [event.state for event in await bench.events()]
        gate.set_result(Written("5"))
        assert 200 == (await first).status


async def test_a_dead_node_keeps_its_turns_until_what_it_sent_is_looked_up() -> None:
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        other = await bench.another_node()
        bench.far.outcomes.append(asyncio.get_running_loop().create_future())
        sender = asyncio.ensure_future(bench.post("plain", {"id": "7", "note": "A"}))
        await bench.clock.settle()
        await bench.dies()
        await asyncio.wait({sender})
        assert 500 == (await hasty(other)).status
        bench.far.found.append(LookUp(LookUpVerdict.FOUND, ("41",)))
        await other.settle_after(FIRST_LOOK_UP)
        assert 200 == (await other.post("plain", {"id": "7", "note": "B"})).status


async def test_a_replay_waits_for_its_turn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hookstation.engine.replay.WAIT_FOR_TURN", 0.01)
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        bench.far.outcomes.append(Terminal("no such person"))
        await bench.post("plain", {"id": "7", "note": "A"})
        failed = await bench.last()
        await lost(bench)
        unknown = await bench.last()
        with pytest.raises(Conflict, match="same row"):
            await bench.replay.replay(failed.id)
        assert State.FAILED is (await bench.events())[0].state
        assert State.SUCCEEDED is (await bench.replay.replay(unknown.id, again=True)).state
        assert State.SUCCEEDED is (await bench.replay.replay(failed.id)).state
        assert 0 == len(bench.executor.lanes)


async def test_a_database_that_cannot_commit_gives_the_turn_on() -> None:
    async with engine(panels=[PANEL]) as made:
        bench = await bench_of(made)
        bench.store.unavailable = "full"
        assert 503 == (await bench.post("plain", {"id": "7", "note": "A"})).status
        bench.store.unavailable = ""
        assert 0 == len(bench.executor.lanes)
        assert [] == list(await bench.store.list_jobs(EVENTS, "", 10))


async def test_turns_come_in_the_order_of_standing_up_and_who_gave_up_is_passed_over() -> None:
    lanes, came = Lanes(), []

    async def one(name: str, seconds: float) -> None:
        if await lanes.enter(b"A", name, seconds):
            came.append(name)
            lanes.leave(name)

    assert await lanes.enter(b"A", "first", 0)
    waiting = [
        asyncio.ensure_future(one(name, seconds)) for name, seconds in [("a", 60), ("b", 0), ("c", 60)]
    ]
    await waiting[1]
    gone = asyncio.ensure_future(one("d", 60))
    await asyncio.sleep(0)
    gone.cancel()
    lanes.leave("first")
    await asyncio.wait([*waiting, gone])
    assert ["a", "c"] == came
    assert 0 == len(lanes)
