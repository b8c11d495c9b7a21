"""The demo's receiver: it takes what is signed with its secret, and shows the newest of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pytest

from hookstation.core.signing import sign_standard_webhooks
from hookstation.core.values import Secret
from hookstation.testing.clock import ManualClock
from hookstation.wiring.demo_receiver import LARGEST, SHOWN, DemoReceiver

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
CLOCK = ManualClock()


@pytest.fixture
async def receiver() -> AsyncIterator[DemoReceiver]:
    async with DemoReceiver(SECRET, CLOCK) as made:
        yield made


def signed(body: bytes, message_id: str = "m-1") -> dict[str, str]:
    return sign_standard_webhooks(SECRET, message_id, CLOCK.now() // 1_000_000, body)


async def test_what_is_signed_is_taken_and_the_newest_is_shown(receiver: DemoReceiver) -> None:
    async with aiohttp.ClientSession() as session:
        for number in range(SHOWN + 1):
            body = json.dumps({"n": number}).encode()
            async with session.post(receiver.url, data=body, headers=signed(body, f"m-{number}")) as answer:
                assert 200 == answer.status
        async with session.get(receiver.url) as answer:
            items = (await answer.json())["items"]
    assert (SHOWN, f"m-{SHOWN}", {"n": SHOWN}, True) == (
        len(items),
        items[0]["webhook_id"],
        items[0]["body"],
        items[0]["verified"],
    )


async def test_what_is_not_signed_or_no_json_is_refused(receiver: DemoReceiver) -> None:
    async with aiohttp.ClientSession() as session:
        for body, headers, status in (
            (b"{}", {}, 401),
            (b"{}", signed(b"[]"), 401),
            (b"{", signed(b"{"), 400),
        ):
            async with session.post(receiver.url, data=body, headers=headers) as answer:
                assert (status, True) == (answer.status, bool((await answer.json())["error"]))
        async with session.put(receiver.url) as answer:
            assert 405 == answer.status
        async with session.get(receiver.url) as answer:
            assert [] == (await answer.json())["items"]


@pytest.mark.parametrize(
    "raw",
    [
        b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (LARGEST + 1),
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ],
)
async def test_what_is_no_request_ends_its_connection(receiver: DemoReceiver, raw: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(receiver.url).port)
    writer.write(raw)
    assert b"" == await reader.read()
    writer.close()
