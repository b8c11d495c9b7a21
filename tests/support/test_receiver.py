from __future__ import annotations

import asyncio
import subprocess
import sys
import urllib.request

import aiohttp
import pytest

from tests.support.receiver import CUT, HANG, Answer, Receiver, receiving


async def test_a_call_is_written_down_as_it_came() -> None:
    async with Receiver() as receiver, aiohttp.ClientSession() as client:
        await client.post(f"{receiver.url}/a?b=%20c", data=b"body", headers={"X-One": "1"})
        (call,) = await receiver.until(1)
    assert ("POST", "/a?b=%20c", b"body", "1") == (call.method, call.path, call.body, call.header("x-one"))


async def test_planned_answers_come_in_their_order_and_then_the_usual_one() -> None:
    async with (
        Receiver(lambda call: Answer(200, body=call.body)) as receiver,
        aiohttp.ClientSession() as client,
    ):
        receiver.plan(Answer(503, (("Retry-After", "7"),)), Answer(410))
        answers = [await client.post(receiver.url, data=b"x") for _ in range(3)]
        assert [503, 410, 200] == [answer.status for answer in answers]
        assert ("7", b"x") == (answers[0].headers["Retry-After"], await answers[2].read())


async def test_a_call_hangs_until_it_is_released() -> None:
    async with Receiver(HANG) as receiver, aiohttp.ClientSession() as client:
        calls = [asyncio.ensure_future(client.post(receiver.url)) for _ in range(2)]
        await receiver.until(2)
        assert (2, 2) == (receiver.at_once, receiver.most_at_once)
        receiver.release()
        assert [200, 200] == [answer.status for answer in await asyncio.gather(*calls)]
    assert 0 == receiver.at_once


async def test_a_connection_can_end_instead_of_an_answer() -> None:
    async with Receiver(CUT) as receiver, aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientError):
            await client.post(receiver.url)


def test_it_runs_in_a_thread_for_tests_without_an_event_loop() -> None:
    with receiving() as receiver:
        for _ in range(3):
            urllib.request.urlopen(receiver.url, data=b"x").close()
        assert [b"x"] * 3 == [call.body for call in receiver.wait(3)]


def test_it_runs_in_a_process_of_its_own_and_counts() -> None:
    words = [sys.executable, "-m", "tests.support.receiver"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        urllib.request.urlopen(process.stdout.readline().strip(), data=b"x").close()
        process.stdin.close()
        assert "1" == process.stdout.readline().strip()
