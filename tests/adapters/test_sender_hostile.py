"""Receivers that mean harm: each ends in its trouble, in bounded memory, and nobody else's deliveries suffer."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator

import pytest
import uvloop

from hookstation.adapters.sender import HttpSender
from hookstation.core.outgoing.values import Trouble
from hookstation.ports.sender import Dispatch, NotSent, Receipt
from tests.support.hostile_receiver import TALKS, WELL, hostile_process
from tests.support.receiver import Receiver

LOOPBACK = ("127.0.0.0/8",)
KEPT = 1_000
SOON = 0.5
LATER = 30.0
MOST_MEMORY = 8_000_000
OTHERS = 20

TIMEOUT = ["silence", "stalled_body", "slow_head", "slow_status", "slow_body", "slow_chunks",
           "endless_chunk_extension", "deaf"]  # fmt: skip
BROKEN_OFF = ["hang_up", "reset", "reset_in_body", "half_a_status", "half_a_head", "half_a_body",
              "half_a_chunk"]  # fmt: skip
PROTOCOL = ["two_lengths", "negative_length", "huge_length", "length_and_chunks", "no_chunk", "huge_chunk_size",
            "another_protocol", "http_0_9", "tls_alert", "garbage", "strange_version", "status_of_letters",
            "naked_line_in_head", "null_in_head", "huge_header_line", "huge_header_name", "huge_reason",
            "many_headers", "switches_protocols", "endless_header", "endless_headers", "endless_trailers",
            "more_than_announced", "flood_of_1xx", "flood_of_1xx_with_headers", "slow_1xx"]  # fmt: skip
CUT = ["endless_body", "endless_chunks", "endless_single_chunk"]
WHOLE = {"early_hints": b"ok", "cookies": b"ok", "bomb": b"bomb", "redirect": b"",
         "answers_early": b"", "flood_of_answers": b""}  # fmt: skip


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    with hostile_process() as url:
        yield url


@pytest.fixture(params=[False, True], ids=["new connection", "kept connection"])
async def sender(request: pytest.FixtureRequest, hostile: str) -> AsyncIterator[HttpSender]:
    one = HttpSender()
    if request.param:
        await one.send(to(hostile, WELL))
    yield one
    await one.close()


@pytest.fixture
def memory() -> Iterator[None]:
    """Fails a test that takes more memory than an exchange may."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MOST_MEMORY


async def send_beside_others(sender: HttpSender, dispatch: Dispatch) -> Receipt | NotSent:
    """What becomes of a dispatch, while others go to a receiver that is well: all of those arrive."""
    async with Receiver() as well, asyncio.timeout(LATER * 2):
        await sender.send(
            Dispatch("POST", well.url, networks=LOOPBACK)
        )  # opens the pool, which takes its time
        async with asyncio.TaskGroup() as all_:
            ill = all_.create_task(outcome(sender, dispatch))
            others = [
                all_.create_task(
                    sender.send(Dispatch("POST", well.url, body=b"x", networks=LOOPBACK, timeout=LATER))
                )
                for _ in range(OTHERS)
            ]
        assert [200] * OTHERS == [each.result().status for each in others]
    return ill.result()


async def outcome(sender: HttpSender, dispatch: Dispatch) -> Receipt | NotSent:
    try:
        return await sender.send(dispatch)
    except NotSent as failed:
        return failed


def to(hostile: str, harm: str, timeout: float = LATER) -> Dispatch:
    return Dispatch(
        "POST", f"{hostile}/{harm}", body=b"x" * 1_000, networks=LOOPBACK, timeout=timeout, kept=KEPT
    )


def test_every_harm_is_in_the_table() -> None:
    assert sorted(TALKS) == sorted([*TIMEOUT, *BROKEN_OFF, *PROTOCOL, *CUT, *WHOLE])


@pytest.mark.parametrize("harm", TIMEOUT)
async def test_whoever_is_slow_ends_in_the_time_out(
    harm: str, hostile: str, sender: HttpSender, memory: None
) -> None:
    failed = await send_beside_others(sender, to(hostile, harm, SOON))
    assert isinstance(failed, NotSent)
    assert (Trouble.TIMEOUT, True) == (failed.trouble, failed.sent)


@pytest.mark.parametrize(
    ("trouble", "harm"),
    [*((Trouble.BROKEN_OFF, harm) for harm in BROKEN_OFF), *((Trouble.PROTOCOL, harm) for harm in PROTOCOL)],
)
async def test_whoever_is_no_good_http_is_told_so(
    trouble: Trouble, harm: str, hostile: str, sender: HttpSender, memory: None
) -> None:
    failed = await send_beside_others(sender, to(hostile, harm))
    assert isinstance(failed, NotSent)
    assert (trouble, True) == (failed.trouble, failed.sent), failed.message
    assert "127.0.0.1" not in failed.message


@pytest.mark.parametrize("harm", CUT)
async def test_an_endless_answer_is_cut(harm: str, hostile: str, sender: HttpSender, memory: None) -> None:
    receipt = await send_beside_others(sender, to(hostile, harm))
    assert isinstance(receipt, Receipt)
    assert (200, KEPT, True) == (receipt.status, len(receipt.body), receipt.cut)


@pytest.mark.parametrize(("harm", "body"), WHOLE.items())
async def test_what_is_only_odd_is_taken_as_it_is(
    harm: str, body: bytes, hostile: str, sender: HttpSender, memory: None
) -> None:
    receipt = await send_beside_others(sender, to(hostile, harm))
    assert isinstance(receipt, Receipt)
    assert (body, False) == (receipt.body, receipt.cut)


async def test_a_kept_connection_that_is_flooded_ends(sender: HttpSender) -> None:
    ended = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await may_go_on.wait()
        try:
            while True:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 1_000)
                await writer.drain()
        except ConnectionError:
            ended.set()
            writer.close()

    may_go_on = asyncio.Event()
    async with await asyncio.start_server(flood, "127.0.0.1", 0) as server, asyncio.timeout(LATER):
        port = server.sockets[0].getsockname()[1]
        assert 200 == (await sender.send(to(f"http://127.0.0.1:{port}", ""))).status
        may_go_on.set()
        await ended.wait()


@pytest.mark.parametrize(
    ("harm", "trouble"), [("flood_of_1xx", Trouble.PROTOCOL), ("endless_headers", Trouble.PROTOCOL),
                          ("slow_body", Trouble.TIMEOUT), ("reset_in_body", Trouble.BROKEN_OFF)]
)  # fmt: skip
def test_the_same_holds_on_the_loop_that_the_station_runs_on(
    harm: str, trouble: Trouble, hostile: str
) -> None:
    async def meet() -> Receipt | NotSent:
        sender = HttpSender()
        met = await send_beside_others(
            sender, to(hostile, harm, SOON if trouble is Trouble.TIMEOUT else LATER)
        )
        await sender.close()
        return met

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        failed = runner.run(meet())
    assert isinstance(failed, NotSent)
    assert trouble == failed.trouble
