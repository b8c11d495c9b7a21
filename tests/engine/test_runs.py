"""The status address: for whom it was given to, and nothing of the payload in it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hookstation.core.events import Answer
from hookstation.engine.runs import LONGEST_ID, Runs, moment
from hookstation.errors import Terminal, UnknownOutcome
from hookstation.ports.connector import Written
from tests.support.engine import Engine, engine, webhook

SLOW = webhook("away", "far", limits={"time": "0.01s"})


async def asked(bench: Engine, method: str = "GET") -> Answer:
    return await Runs(bench.store).answer(method, (await bench.last()).run_id)


def said(answer: Answer) -> Any:
    return json.loads(answer.body)


async def test_while_it_runs_it_is_202_with_when_to_ask_again() -> None:
    async with engine(SLOW) as bench:
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        await bench.post("away", {"id": "7"})
        answer = await asked(bench)
        assert (202, (("Retry-After", "2"),), "running") == (
            answer.status,
            answer.headers,
            said(answer)["status"],
        )
        gate.set_result(Written("secret key of a record"))
        await bench.clock.settle()
        answer = await asked(bench)
        assert (200, "succeeded", {"success": True}) == (
            answer.status,
            said(answer)["status"],
            said(answer)["result"],
        )
        assert b"secret key" not in answer.body


async def test_a_failed_run_says_why() -> None:
    async with engine(SLOW) as bench:
        bench.far.outcomes.append(Terminal("no such person"))
        await bench.post("away", {"id": "7"})
        assert ("failed", "no such person") == (
            said(await asked(bench))["status"],
            said(await asked(bench))["error"],
        )


async def test_an_unknown_outcome_runs_on_until_it_is_left_to_a_person() -> None:
    async with engine(SLOW) as bench:
        bench.far.outcomes.append(UnknownOutcome("dropped"))
        await bench.post("away", {"id": "7"})
        answer = await asked(bench)
        assert (202, "unknown") == (answer.status, said(answer)["status"])
        await bench.settle_after(300)
        answer = await asked(bench)
        assert (200, "unknown", None) == (
            answer.status,
            said(answer)["status"],
            said(answer)["ended_at"],
        )


async def test_it_is_read_only_and_tells_nobody_without_the_id() -> None:
    async with engine(SLOW) as bench:
        await bench.post("away", {"id": "7"})
        assert (405, (("Allow", "GET, HEAD"),)) == (
            (await asked(bench, "POST")).status,
            (await asked(bench, "POST")).headers,
        )
        event = await bench.last()
        for other in ("", event.id, event.run_id.lower(), "x" * (LONGEST_ID + 1)):
            for method in ("GET", "POST"):
                assert (404, b'{"success": false}') == (
                    (answer := await Runs(bench.store).answer(method, other)).status,
                    answer.body,
                )


@pytest.mark.parametrize(
    ("microseconds", "expected"),
    [(0, None), (1, "1970-01-01T00:00:00.000Z"), (1_795_339_800_123_456, "2026-11-22T09:30:00.123Z")],
)
def test_moments_are_utc_to_the_millisecond(microseconds: int, expected: str | None) -> None:
    assert expected == moment(microseconds)
