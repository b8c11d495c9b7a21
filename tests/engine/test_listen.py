"""Captures: a temporary URL keeps calls for whoever listens, on every node, and nothing of it is an event."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookstation.core.events import Answer
from hookstation.engine.listen import ANSWERS, CALLS_A_SECOND, LARGEST_CALL, MOST_SECONDS, Captures
from hookstation.errors import Conflict, Invalid, NotFound
from hookstation.ports.captures import MOST_CALLS, MOST_CAPTURES
from tests.support.engine import Engine, engine, webhook


async def call(
    bench: Engine, token: str, body: bytes = b"{}", method: str = "POST", query: str = "", **headers: str
) -> Answer:
    """A call to this URL, as the lane makes it."""
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    admitted = bench.ingest.admit(method, token, spelled, query, "203.0.113.9")
    return admitted if isinstance(admitted, Answer) else await bench.ingest.receive(admitted, body)


async def test_a_call_is_kept_with_secrets_masked_and_is_no_event() -> None:
    async with engine(webhook()) as bench:
        capture, token = await bench.captures.open("anna", "courses")
        answer = await call(
            bench, token, b'{"id": 1.50}', query="a=1&token=x", x_api_key="k", cookie="session=k", x_id="7"
        )
        assert (200, b'{"success": true}', ()) == (answer.status, answer.body, answer.headers)
        _, _, [kept] = await bench.captures.show(capture.id)
        assert (1, b'{"id": 1.50}', "203.0.113.9", "a=1&token=***") == (
            kept.number,
            kept.body,
            kept.sender,
            kept.query,
        )
        assert {"x-api-key": "***", "cookie": "***", "x-id": "7"} == kept.headers
        assert ([], []) == (await bench.events(), bench.log.told("event_rejected"))
        assert kept == await bench.captures.call(capture.id, 1)
        with pytest.raises(NotFound):
            await bench.captures.call(capture.id, 2)


async def test_any_body_is_kept_as_it_came() -> None:
    async with engine() as bench:
        capture, token = await bench.captures.open("anna")
        assert 200 == (await call(bench, token, b"\0\xff", content_type="text/plain")).status
        assert b"\0\xff" == (await bench.captures.call(capture.id, 1)).body


@pytest.mark.parametrize("status", ANSWERS)
async def test_the_chosen_answer_is_given(status: int) -> None:
    async with engine() as bench:
        _, token = await bench.captures.open("anna", status=status)
        assert ANSWERS[status] == await call(bench, token)
        assert status == ANSWERS[status].status


async def test_it_listens_for_its_time_and_not_longer() -> None:
    async with engine() as bench:
        capture, token = await bench.captures.open("anna", seconds=60)
        await bench.clock.advance(59)
        assert 200 == (await call(bench, token)).status
        await bench.clock.advance(1)
        assert 404 == (await call(bench, token)).status
        assert [] == await bench.captures.list()
        assert capture == (await bench.captures.show(capture.id))[0]


async def test_a_closed_one_is_as_if_it_had_never_been() -> None:
    async with engine() as bench:
        capture, token = await bench.captures.open("anna")
        await bench.captures.close(capture.id)
        unknown = bench.ingest.admit("POST", "unknown", {}, "", "203.0.113.9")
        assert unknown == await call(bench, token)
        for again in (bench.captures.close(capture.id), bench.captures.show(capture.id)):
            with pytest.raises(NotFound):
                await again


async def test_calls_are_bounded_in_number_pace_and_size() -> None:
    async with engine() as bench:
        capture, token = await bench.captures.open("anna")
        assert [200] * CALLS_A_SECOND + [429] == [
            (await call(bench, token)).status for _ in range(CALLS_A_SECOND + 1)
        ]
        await bench.clock.advance(2)
        assert 413 == (await call(bench, token, content_length=str(LARGEST_CALL + 1))).status
        assert 405 == (await call(bench, token, method="GET")).status
        statuses = []
        for _ in range(MOST_CALLS):
            await bench.clock.advance(1)
            statuses.append((await call(bench, token)).status)
        assert [200] * (MOST_CALLS - CALLS_A_SECOND) + [429] * CALLS_A_SECOND == statuses
        assert MOST_CALLS == len((await bench.captures.show(capture.id))[2])
        assert [] == await bench.events()


async def test_a_database_that_is_away_keeps_nothing_and_says_so() -> None:
    async with engine() as bench:
        capture, token = await bench.captures.open("anna")
        bench.store.unavailable = "locked"
        assert 503 == (await call(bench, token)).status
        bench.store.unavailable = ""
        assert () == tuple((await bench.captures.show(capture.id))[2])


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"seconds": 59}, "seconds"),
        ({"seconds": MOST_SECONDS + 1}, "seconds"),
        ({"status": 302}, "answer"),
    ],
)
async def test_what_may_not_be_asked_for_is_refused(asked: Any, place: str) -> None:
    async with engine() as bench:
        with pytest.raises(Invalid) as told:
            await bench.captures.open("anna", **asked)
        assert [(place,)] == [one.path for one in told.value.problems]


async def test_no_more_are_open_than_may_be() -> None:
    async with engine() as bench:
        for _ in range(MOST_CAPTURES):
            await bench.captures.open("anna")
        with pytest.raises(Conflict):
            await bench.captures.open("anna")


async def test_every_node_listens_once_it_has_heard_of_it() -> None:
    async with engine() as bench:
        other = await bench.another_node()
        watching = asyncio.create_task(other.captures.watch())
        await bench.clock.settle()
        capture, token = await bench.captures.open("anna")
        await bench.clock.settle()
        assert 200 == (await call(other, token)).status
        assert 1 == len((await bench.captures.show(capture.id))[2])
        await bench.captures.close(capture.id)
        await bench.clock.settle()
        assert 404 == (await call(other, token)).status
        watching.cancel()


async def test_a_lost_hint_is_made_up_for_and_what_is_over_is_forgotten() -> None:
    async with engine() as bench:
        capture, token = await bench.captures.open("anna", seconds=60)
        deaf = Captures(bench.store, bench.vault, bench.targets, bench.clock, bench.identifiers)
        watching = asyncio.create_task(deaf.watch())
        await bench.clock.advance(1)
        assert deaf.find(token, bench.clock.now()) is not None
        await bench.clock.advance(62)
        assert await bench.store.get_capture(capture.id) is None
        watching.cancel()


async def test_a_capture_sealed_under_another_key_is_shown_without_its_url() -> None:
    async with engine() as bench:
        capture, token = await bench.captures.open("anna")
        damaged = type(capture)(
            capture.id, "v1.AAAA", "anna", "", capture.opened_at, capture.until, capture.status
        )
        assert (token, "") == (bench.captures.token(capture), bench.captures.token(damaged))


async def test_a_webhook_goes_before_a_capture() -> None:
    async with engine(webhook()) as bench:
        await bench.captures.open("anna")
        assert 200 == (await bench.post("courses", {"id": "7"})).status
        assert 1 == len(await bench.events())
