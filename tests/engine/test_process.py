"""From a mapped event to a written record: one commit here, intent before call elsewhere, the truth in the answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hookstation.core.events import OPEN_STATES, Answer, State
from hookstation.core.jobs import EVENTS, JobState
from hookstation.engine.process import NOT_STORED, TOO_SLOW, WITHDRAWN
from hookstation.engine.unfinished import read_unfinished
from hookstation.errors import NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.connector import Written
from hookstation.ports.store import Acceptance, Committed
from tests.support.engine import PANEL, Engine, engine, upsert, webhook


def said(answer: Answer) -> Any:
    return json.loads(answer.body)


async def test_a_target_in_our_database_is_written_with_its_event_in_one_commit() -> None:
    async with engine(webhook()) as bench:
        answer = await bench.post("courses", {"id": "7"})
        event = await bench.last()
        assert (200, b'{"success": true}') == (answer.status, answer.body)
        assert (State.SUCCEEDED, "records", "Activity", "1") == (
            event.state,
            event.connection,
            event.entity,
            event.record_key,
        )
        assert ["7"] == [fields["ID"] for fields in await bench.records()]
        assert [] == list(await bench.store.list_jobs(EVENTS, "", 10))


async def test_a_refusal_of_the_records_database_is_the_answer() -> None:
    """Several rows match: 500 that says so, an event that failed, and nothing written."""
    insert = webhook(
        "insert",
        action={
            "type": "insert_panel",
            "connection": "records",
            "panel": "Courses",
            "fields": {"ID": "$$id$$", "Code": "$$note$$"},
        },
    )
    async with engine(insert, upsert(), panels=[PANEL]) as bench:
        for _ in range(2):
            await bench.post("insert", {"id": "7", "note": "a"})
        answer = await bench.post("panel", {"id": "7", "note": "b"})
        assert 500 == answer.status
        assert "several rows match" in said(answer)["error"]
        assert State.FAILED is (await bench.last()).state
        assert ["a", "a"] == [fields["Code"] for fields in await bench.records("Courses")]


async def test_a_database_that_cannot_commit_is_a_503_and_nothing_was_done() -> None:
    """Nor was it where the mapping fails, which would be a 500 that the journal holds."""
    long = webhook("long", fields={"Category": "$$note$$"})
    async with engine(webhook(), webhook("away", "far"), long) as bench:
        bench.store.unavailable = "full"
        answers = [
            await bench.post(name, {"id": "7", "note": "x" * 300}) for name in ("courses", "away", "long")
        ]
        bench.store.unavailable = ""
        assert [(503, NOT_STORED, "5")] * 3 == [
            (one.status, said(one)["error"], dict(one.headers)["Retry-After"]) for one in answers
        ]
        assert ([], []) == (await bench.events(), bench.far.executed)


async def test_the_intent_is_committed_before_the_call() -> None:
    async with engine(webhook("away", "far", marked=True)) as bench:
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        call = asyncio.ensure_future(bench.post("away", {"id": "7"}))
        await bench.clock.settle()
        event = await bench.last()
        job = await bench.job()
        assert (State.SENDING, 1) == (event.state, len(bench.far.executed))
        assert job is not None
        work = read_unfinished(job.job)
        assert (JobState.LEASED, bench.membership.node_id) == (job.state, job.node)
        assert ("SOURCE_CODE", event.id) == (work.marker, work.record.fields["SOURCE_CODE"])
        gate.set_result(Written("41"))
        assert 200 == (await call).status
        event = await bench.last()
        assert (State.SUCCEEDED, "41", None) == (
            event.state,
            event.record_key,
            await bench.job(),
        )


async def test_each_end_of_a_call_has_its_answer_and_its_state() -> None:
    ends: list[tuple[Any, int, State]] = [
        (Written("1"), 200, State.SUCCEEDED),
        (Retriable("busy"), 500, State.FAILED),
        (Terminal("no"), 500, State.FAILED),
        (NeedsAuth("who"), 500, State.FAILED),
        (UnknownOutcome("dropped"), 202, State.UNKNOWN),
        (ValueError("our own mistake"), 202, State.UNKNOWN),
    ]
    async with engine(webhook("away", "far")) as bench:
        for outcome, status, state in ends:
            bench.far.outcomes.append(outcome)
            answer = await bench.post("away", {"id": "7"})
            assert (status, state) == (answer.status, (await bench.last()).state)
        assert len(ends) == len(bench.far.executed)


async def test_a_broken_connector_tells_the_sender_nothing_of_what_broke() -> None:
    async with engine(webhook("away", "far")) as bench:
        bench.far.outcomes.append(KeyError("password=hunter2"))
        answer = await bench.post("away", {"id": "7"})
        assert b"hunter2" not in answer.body
        assert "hunter2" not in (await bench.last()).error


async def test_after_the_time_limit_the_sender_has_a_status_address_and_the_call_goes_on() -> None:
    async with engine(webhook("away", "far", limits={"time": "0.01s"})) as bench:
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        answer = await bench.post("away", {"id": "7"})
        event = await bench.last()
        assert (202, State.SENDING) == (answer.status, event.state)
        assert {"success": True, "pending": True, "id": event.run_id} == said(answer)
        assert f"/hooks/runs/{event.run_id}" == dict(answer.headers)["Location"]
        gate.set_result(Written("9"))
        await bench.clock.settle()
        assert State.SUCCEEDED is (await bench.last()).state


class Slow:
    """A journal whose commits end when the test lets them."""

    def __init__(self, bench: Engine) -> None:
        self.accept_now = bench.store.accept
        self.waiting: list[tuple[Acceptance, asyncio.Future[Committed]]] = []

    def accept(self, acceptance: Acceptance) -> asyncio.Future[Committed]:
        future: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        self.waiting.append((acceptance, future))
        return future

    async def commit(self) -> None:
        for acceptance, future in self.waiting:
            committed = await self.accept_now(acceptance)
            if not future.done():
                future.set_result(committed)


async def test_a_commit_that_takes_too_long_is_503_and_its_event_fails_once_it_is_there() -> None:
    """The call is not made behind the sender's back, and what waits for its row or its key need not wait for long."""
    keyed = {"duplicates": {"key": "header:x-id"}, "limits": {"time": "1s"}}
    async with engine(webhook("away", "far", marked=True, **keyed)) as bench:
        slow = Slow(bench)
        bench.store.accept = slow.accept  # type: ignore[method-assign]
        call = asyncio.ensure_future(bench.post("away", {"id": "7"}, x_id="k"))
        await bench.clock.advance(2)
        answer = await call
        assert (503, TOO_SLOW, "5") == (
            answer.status,
            said(answer)["error"],
            dict(answer.headers)["Retry-After"],
        )
        await slow.commit()
        await bench.clock.settle()
        assert [(State.FAILED, WITHDRAWN)] == [(event.state, event.error) for event in await bench.events()]
        assert ([], None) == (bench.far.executed, await bench.job())
        bench.store.accept = slow.accept_now  # type: ignore[method-assign]
        assert 200 == (await bench.post("away", {"id": "7"}, x_id="k")).status


async def test_a_caller_that_goes_away_before_the_commit_leaves_nothing_behind() -> None:
    async with engine(webhook("away", "far", marked=True)) as bench:
        slow = Slow(bench)
        bench.store.accept = slow.accept  # type: ignore[method-assign]
        call = asyncio.ensure_future(bench.post("away", {"id": "7"}))
        await bench.clock.settle()
        call.cancel()
        await slow.commit()
        await bench.clock.settle()
        assert [State.FAILED] == [event.state for event in await bench.events()]
        assert [] == bench.far.executed


async def test_no_event_of_an_answered_call_is_left_open_by_an_answer_that_says_it_ended() -> None:
    async with engine(webhook(), webhook("away", "far")) as bench:
        for name in ("courses", "away"):
            assert 200 == (await bench.post(name, {"id": "7"})).status
        assert OPEN_STATES.isdisjoint(event.state for event in await bench.events())
