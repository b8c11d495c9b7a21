from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest

from hookstation.adapters.sender import HttpSender, pools
from hookstation.adapters.sender.progress import CURRENT, Progress
from hookstation.adapters.sender.troubles import FOREIGN, translate
from hookstation.core.outgoing.values import NO_TIMING, Timing, Trouble
from hookstation.errors import AddressRefused
from hookstation.ports.sender import Dispatch, NotSent
from tests.support.foreign import every_error_of_aiohttp
from tests.support.names import Names
from tests.support.receiver import CUT, HANG, Answer, Receiver

LOOPBACK = ("127.0.0.0/8",)
STANDSTILL = 0.2


class Standstill(str):
    """A header that a process takes longer to look at than it has: it stands still."""

    def isprintable(self) -> bool:
        time.sleep(STANDSTILL)  # house: allow sleep - nothing else in the process may go on
        return super().isprintable()


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    one = HttpSender()
    yield one
    await one.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


def to(receiver: Receiver, path: str = "/", **more: object) -> Dispatch:
    wanted = {"body": b"hello", "networks": LOOPBACK} | more
    return Dispatch("POST", receiver.url + path, **wanted)  # type: ignore[arg-type]


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def refused(sender: HttpSender, dispatch: Dispatch) -> NotSent:
    with pytest.raises(NotSent) as caught:
        await sender.send(dispatch)
    return caught.value


async def test_a_request_goes_out_as_it_was_dispatched(sender: HttpSender, receiver: Receiver) -> None:
    """Header order and letters, path, query and body are kept; only Host and Content-Length are added."""
    headers = (
        ("webhook-id", "1"),
        ("X-Late", "b"),
        ("Content-Type", "text/plain"),
        ("X-Late", "c"),
        ("User-Agent", "H"),
    )
    await sender.send(to(receiver, "/a/~1%7C2?q=a%2Bb%26c", headers=headers))
    (call,) = receiver.calls
    assert ("POST", "/a/~1%7C2?q=a%2Bb%26c", b"hello") == (call.method, call.path, call.body)
    host = ("Host", receiver.url.removeprefix("http://"))
    assert (host, *headers, ("Content-Length", "5")) == call.headers


async def test_one_header_in_two_spellings_is_sent_twice(sender: HttpSender, receiver: Receiver) -> None:
    await sender.send(to(receiver, headers=(("X-Late", "a"), ("x-late", "b"))))
    assert ["a", "b"] == [value for name, value in receiver.calls[0].headers if name == "X-Late"]


@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
async def test_a_body_of_any_size_arrives(size: int, sender: HttpSender, receiver: Receiver) -> None:
    await sender.send(to(receiver, body=b"x" * size))
    assert (b"x" * size, str(size)) == (receiver.calls[0].body, receiver.calls[0].header("content-length"))


async def test_an_answer_comes_back_as_it_was_said(sender: HttpSender, receiver: Receiver) -> None:
    receiver.plan(Answer(429, (("Retry-After", "7"), ("x-A", "b"), ("X-a", "c")), b"slow down"))
    receipt = await sender.send(to(receiver))
    assert (429, b"slow down", False) == (receipt.status, receipt.body, receipt.cut)
    assert (("Retry-After", "7"), ("x-A", "b"), ("X-a", "c"), ("Content-Length", "9")) == receipt.headers


@pytest.mark.parametrize(("kept", "body", "cut"), [(5, b"hello", False), (4, b"hell", True), (0, b"", True)])
async def test_an_answer_that_is_longer_than_is_kept_is_cut(
    kept: int, body: bytes, cut: bool, sender: HttpSender, receiver: Receiver
) -> None:
    receiver.usual = Answer(body=b"hello")
    receipt = await sender.send(to(receiver, kept=kept))
    assert (body, cut) == (receipt.body, receipt.cut)


async def test_a_connection_on_which_more_would_come_ends(sender: HttpSender, receiver: Receiver) -> None:
    receiver.plan(Answer(body=b"a" * 10_000_000))
    assert (await sender.send(to(receiver))).cut
    await sender.send(to(receiver))
    assert 2 == receiver.connections


async def test_a_connection_is_kept_for_the_next_request_and_the_parts_are_timed(receiver: Receiver) -> None:
    sender = HttpSender(Names(here=[["127.0.0.1"]]))
    url = receiver.url.replace("127.0.0.1", "here")
    fresh, kept = [(await sender.send(Dispatch("POST", url, networks=LOOPBACK))).timing for _ in range(2)]
    await sender.close()
    assert 1 == receiver.connections
    assert NO_TIMING not in (fresh.dns, fresh.connect, fresh.first_byte, fresh.total)
    assert (NO_TIMING,) * 4 == (fresh.tls, kept.dns, kept.connect, kept.tls)
    assert fresh.dns + fresh.connect + fresh.first_byte <= fresh.total
    assert 0 <= kept.first_byte <= kept.total


async def test_a_connection_that_nobody_uses_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "KEEP_SECONDS", 0.05)
    ended = asyncio.Event()

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(Answer().written())
        await reader.read()
        ended.set()
        writer.close()

    sender = HttpSender()
    async with await asyncio.start_server(answer_once, "127.0.0.1", 0) as server, asyncio.timeout(30):
        port = server.sockets[0].getsockname()[1]
        await sender.send(Dispatch("POST", f"http://127.0.0.1:{port}", networks=LOOPBACK))
        await ended.wait()
    await sender.close()


async def test_a_literal_address_has_no_look_up(sender: HttpSender, receiver: Receiver) -> None:
    timing = (await sender.send(to(receiver))).timing
    assert (NO_TIMING, True) == (timing.dns, timing.connect >= 0)


async def test_cookies_are_not_kept_and_redirects_not_followed(
    sender: HttpSender, receiver: Receiver
) -> None:
    receiver.plan(Answer(307, (("Location", f"{receiver.url}/else"), ("Set-Cookie", "a=b"))))
    assert 307 == (await sender.send(to(receiver))).status
    await sender.send(to(receiver))
    assert ["/", "/"] == [call.path for call in receiver.calls]
    assert ["", ""] == [call.header("cookie") for call in receiver.calls]


async def test_a_proxy_of_the_environment_is_not_used(
    sender: HttpSender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
    assert 200 == (await sender.send(to(receiver))).status


async def test_a_post_is_sent_once_even_where_its_kept_connection_dies(
    sender: HttpSender, receiver: Receiver
) -> None:
    receiver.plan(Answer(), CUT)
    await sender.send(to(receiver))
    failed = await refused(sender, to(receiver))
    assert (Trouble.BROKEN_OFF, True, 2) == (failed.trouble, failed.sent, receiver.count)


async def test_no_connection_and_no_name_are_told_apart(receiver: Receiver) -> None:
    sender = HttpSender(Names(here=[["127.0.0.1"]], empty=[[]]))
    nobody = await refused(sender, Dispatch("POST", f"http://here:{unused_port()}", networks=LOOPBACK))
    nowhere = await refused(sender, Dispatch("POST", "http://nowhere/"))
    empty = await refused(sender, Dispatch("POST", "http://empty/"))
    await sender.close()
    assert (Trouble.CONNECT, Trouble.NAME, Trouble.NAME) == (nobody.trouble, nowhere.trouble, empty.trouble)
    assert not nobody.sent
    assert not nowhere.sent
    assert NO_TIMING not in (nobody.timing.connect, nowhere.timing.dns, nowhere.timing.total)


async def test_a_look_up_that_hangs_ends_in_the_time_out_and_keeps_no_other_name_waiting(
    receiver: Receiver,
) -> None:
    class Silent(Names):
        async def resolve(self, host: str, *more: object, **named: object):  # type: ignore[no-untyped-def]
            if host == "silent":
                await asyncio.Event().wait()
            return await super().resolve(host, *more, **named)  # type: ignore[arg-type]

    sender = HttpSender(Silent(here=[["127.0.0.1"]]))
    hanging = [
        asyncio.create_task(refused(sender, Dispatch("POST", "http://silent/", timeout=0.3)))
        for _ in range(50)
    ]
    url = receiver.url.replace("127.0.0.1", "here")
    assert 200 == (await sender.send(Dispatch("POST", url, networks=LOOPBACK))).status
    failed = await asyncio.gather(*hanging)
    await sender.close()
    assert {(Trouble.TIMEOUT, False)} == {(each.trouble, each.sent) for each in failed}
    assert "look-up" in failed[0].message


async def test_the_operating_system_is_asked_by_default(sender: HttpSender, receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "localhost")
    sent = await sender.send(Dispatch("POST", url, networks=("127.0.0.0/8", "::1/128")))
    assert (200, True) == (sent.status, sent.timing.dns >= 0)


@pytest.mark.parametrize("name", ["a..b", "a" * 64])
async def test_a_name_that_cannot_be_one_is_not_found(name: str, sender: HttpSender) -> None:
    assert Trouble.NAME == (await refused(sender, Dispatch("POST", f"http://{name}/"))).trouble


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "b\r\nX-C: d"), ("X-A", "b\nc"), ("X-A", "a\0b"), ("X A", "b"), ("", "b"), ("X:A", "b"), ("Ä", "b"),
     ("Content-Length", "3"), ("transfer-encoding", "chunked"), ("Host", "else"), ("Connection", "close"),
     ("Expect", "100-continue"), ("Upgrade", "h2c"), ("Proxy-Authorization", "Basic x")],
)  # fmt: skip
async def test_a_header_that_would_change_the_request_is_not_sent(
    name: str, value: str, sender: HttpSender, receiver: Receiver
) -> None:
    failed = await refused(sender, to(receiver, headers=((name, value),)))
    assert (Trouble.MAPPING, False, 0) == (failed.trouble, failed.sent, receiver.count)


@pytest.mark.parametrize("method", ["", "PO ST", "POST / HTTP/1.1\r\nX:", "CONNECT", "connect"])
async def test_a_method_that_is_none_is_not_sent(method: str, sender: HttpSender, receiver: Receiver) -> None:
    failed = await refused(sender, Dispatch(method, receiver.url, networks=LOOPBACK))
    assert (Trouble.MAPPING, False, 0) == (failed.trouble, failed.sent, receiver.count)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_every_usual_method_arrives(method: str, sender: HttpSender, receiver: Receiver) -> None:
    await sender.send(Dispatch(method, receiver.url, body=b"x", networks=LOOPBACK))
    assert (method, b"x") == (receiver.calls[0].method, receiver.calls[0].body)


async def test_a_cancelled_caller_stays_cancelled(sender: HttpSender, receiver: Receiver) -> None:
    receiver.plan(HANG)
    sending = asyncio.create_task(sender.send(to(receiver)))
    await receiver.until(1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_a_closed_sender_sends_nothing(sender: HttpSender, receiver: Receiver) -> None:
    await sender.send(to(receiver))
    await sender.close()
    await sender.close()
    failed = await refused(sender, to(receiver))
    assert (Trouble.CONNECT, False, 1) == (failed.trouble, failed.sent, receiver.count)


async def test_a_process_that_stood_still_sends_nothing(sender: HttpSender, receiver: Receiver) -> None:
    """Its time is over, though its time-out has not come yet: another node may have sent the same meanwhile."""
    await sender.send(to(receiver))
    failed = await refused(
        sender, to(receiver, headers=(("X-Late", Standstill("yes")),), timeout=STANDSTILL / 2)
    )
    await sender.send(to(receiver))
    assert (Trouble.TIMEOUT, False, 2) == (failed.trouble, failed.sent, receiver.count)


async def test_pools_are_bounded_and_one_in_use_is_never_closed(
    sender: HttpSender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "MOST_POOLS", 3)
    receiver.plan(HANG)
    hanging = asyncio.create_task(sender.send(to(receiver, networks=("127.0.0.0/8", "10.0.0.0/8"))))
    await receiver.until(1)
    for number in range(6):
        await sender.send(to(receiver, networks=("127.0.0.0/8", f"10.0.0.{number}/32")))
    receiver.release()
    assert 200 == (await hanging).status
    assert 3 == len(sender._pools)


async def test_nothing_of_a_request_stays_behind_in_its_caller(
    sender: HttpSender, receiver: Receiver
) -> None:
    await sender.send(to(receiver))
    assert CURRENT.get() is None


@pytest.mark.parametrize("foreign", every_error_of_aiohttp(), ids=lambda each: each.__name__)
def test_no_error_of_aiohttp_is_forgotten_at_the_seam(foreign: type[BaseException]) -> None:
    assert issubclass(foreign, FOREIGN)


@pytest.mark.parametrize("sent", [0.0, 1.0])
@pytest.mark.parametrize("foreign", [each for each in FOREIGN if each is not AddressRefused])
def test_every_foreign_error_has_a_trouble_and_tells_no_address(
    foreign: type[Exception], sent: float
) -> None:
    error = foreign.__new__(foreign)
    error.args = ("cannot reach http://user:pass@secret-host.example:8443/path?key=value (10.0.0.1)",)
    said = translate(error, Progress(timeout=1.0, sent=sent))
    assert said.trouble
    assert bool(sent) == said.sent
    for secret in ("secret-host", "10.0.0.1", "8443", "path", "key", "pass"):
        assert secret not in said.message


def test_a_progress_that_went_nowhere_has_a_total_alone() -> None:
    timing = Progress(timeout=1.0).timing()
    assert Timing(total=timing.total) == timing
