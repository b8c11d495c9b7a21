from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.connector import Connection

from hookstation.adapters.sender import HttpSender
from hookstation.adapters.sender.kept import AT_ONCE, exchange
from hookstation.adapters.sender.progress import Progress
from hookstation.core.values import Secret
from hookstation.ports.sender import Dispatch, Receipt
from tests.support.receiver import Answer, Receiver

LOOPBACK = ("127.0.0.0/8",)
HEADERS = (
    ("User-Agent", "H"),
    ("webhook-id", "1"),
    ("X-Late", "é, ß"),
    ("x-late", "b"),
    ("Content-Type", "text/plain"),
)


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    one = HttpSender()
    yield one
    await one.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What went the short way."""
    went: list[bytes] = []

    async def noting(connection: Connection, wire: bytes, kept: int, progress: Progress) -> Receipt:
        went.append(wire)
        return await exchange(connection, wire, kept, progress)

    monkeypatch.setattr("hookstation.adapters.sender.sender.exchange", noting)
    return went


@pytest.mark.parametrize("method", ["POST", "put", "PATCH", "DELETE", "GET"])
@pytest.mark.parametrize("path", ["", "/", "/a/~1%7C2?q=a%2Bb%26c", "/ü?ß=ä#nowhere"])
async def test_both_ways_put_the_same_on_the_wire(
    method: str, path: str, sender: HttpSender, receiver: Receiver, short: list[bytes]
) -> None:
    dispatch = Dispatch(method, receiver.url + path, HEADERS, b'{"a": 1}', networks=LOOPBACK)
    for _ in range(2):
        await sender.send(dispatch)
    long, brief = receiver.calls
    assert (1, 1) == (receiver.connections, len(short))
    assert (long.method, long.path, long.headers, long.body) == (
        brief.method, brief.path, brief.headers, brief.body,
    )  # fmt: skip


@pytest.mark.parametrize(
    "more", [{"body": b""}, {"body": b"x" * (AT_ONCE + 1)}, {"method": "OPTIONS"}, {"method": "options"}]
)
async def test_what_does_not_fit_takes_the_long_way(
    more: dict[str, object], sender: HttpSender, receiver: Receiver, short: list[bytes]
) -> None:
    wanted: dict[str, object] = {"method": "POST", "body": b"x", "networks": LOOPBACK} | more
    for _ in range(2):
        await sender.send(Dispatch(url=receiver.url, **wanted))  # type: ignore[arg-type]
    assert (1, 2, []) == (receiver.connections, len(receiver.calls), short)


async def test_what_goes_by_a_proxy_takes_the_long_way(
    sender: HttpSender, receiver: Receiver, short: list[bytes]
) -> None:
    through = Secret(receiver.url)
    for _ in range(2):
        await sender.send(
            Dispatch(
                "POST",
                "http://far.example/",
                body=b"x",
                networks=LOOPBACK,
                ports=(int(receiver.url.rpartition(":")[2]), 80),
                proxy=through,
            )
        )
    assert (2, []) == (len(receiver.calls), short)


async def test_an_answer_over_a_kept_connection_is_told_as_over_a_new_one(
    sender: HttpSender, receiver: Receiver
) -> None:
    receiver.usual = Answer(429, (("Retry-After", "7"), ("x-A", "b"), ("X-a", "c")), b"slow down")
    new, kept = [
        await sender.send(Dispatch("POST", receiver.url, body=b"x", networks=LOOPBACK)) for _ in range(2)
    ]
    assert (new.status, new.headers, new.body, new.cut) == (kept.status, kept.headers, kept.body, kept.cut)


@pytest.mark.parametrize(("kept", "body", "cut"), [(5, b"hello", False), (4, b"hell", True), (0, b"", True)])
async def test_a_longer_answer_over_a_kept_connection_is_cut(
    kept: int, body: bytes, cut: bool, sender: HttpSender, receiver: Receiver
) -> None:
    receiver.usual = Answer(body=b"hello")
    await sender.send(Dispatch("POST", receiver.url, body=b"x", networks=LOOPBACK))
    receipt = await sender.send(Dispatch("POST", receiver.url, body=b"x", networks=LOOPBACK, kept=kept))
    assert (body, cut) == (receipt.body, receipt.cut)
