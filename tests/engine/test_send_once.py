"""A call by hand: a real event through the live lane, which says who sent it."""

from __future__ import annotations

from typing import Any

import pytest

from hookstation.core.events import State
from hookstation.errors import Conflict, Invalid, NotFound
from tests.support.engine import Engine, engine, webhook

BODY = b'{"id": "7"}'
TOKEN: Any = {"type": "token", "header": "X-Token", "secret": "s"}


async def send(bench: Engine, body: bytes = BODY, **headers: str) -> Any:
    return await bench.changing.send_once.send("courses", body, "anna", headers)


async def test_the_record_is_written_and_the_event_says_who_sent_it() -> None:
    async with engine(webhook(authentication=TOKEN, access={"allow": ["198.51.100.0/24"]})) as bench:
        answer, event = await send(bench)
        assert (200, State.SUCCEEDED, "person: anna") == (answer.status, event.state, event.sender)
        assert ("anna", event) == (event.headers[":sent-by"], await bench.last())
        assert ["7"] == [one["ID"] for one in await bench.records()]


async def test_a_target_elsewhere_is_called() -> None:
    async with engine(webhook("courses", "far")) as bench:
        answer, event = await send(bench)
        assert (200, State.SUCCEEDED, "far") == (answer.status, event.state, event.connection)


@pytest.mark.parametrize("state", ["paused", "disabled"])
async def test_a_webhook_can_be_tried_before_it_is_open(state: str) -> None:
    async with engine(webhook(state=state)) as bench:
        assert 200 == (await send(bench))[0].status


async def test_a_refused_one_is_an_event_too() -> None:
    async with engine(webhook()) as bench:
        answer, event = await send(bench, b'{"id": 7}')
        assert (400, State.REJECTED, "schema") == (answer.status, event.state, event.reason)


async def test_a_repeat_is_the_first_event_and_writes_nothing_again() -> None:
    async with engine(webhook(duplicates={"key": "body-hash"})) as bench:
        _, first = await send(bench)
        answer, again = await send(bench)
        assert (200, first.id, 1) == (answer.status, again.id, len(await bench.records()))


async def test_without_a_database_there_is_no_event() -> None:
    async with engine(webhook()) as bench:
        bench.store.unavailable = "locked"
        answer, event = await send(bench)
        assert (503, None) == (answer.status, event)
        bench.store.unavailable = ""


async def test_what_takes_nothing_is_not_sent_to() -> None:
    async with engine(webhook(state="archived"), webhook("small", limits={"body": 3})) as bench:
        with pytest.raises(Conflict, match="archived"):
            await send(bench)
        with pytest.raises(Invalid):
            await bench.changing.send_once.send("small", BODY, "anna")
        with pytest.raises(NotFound):
            await bench.changing.send_once.send("none", BODY, "anna")
