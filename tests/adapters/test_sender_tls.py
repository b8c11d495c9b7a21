from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop
from msgspec import structs

from hookstation.adapters.sender import HttpSender
from hookstation.core.outgoing.values import NO_TIMING, Trouble
from hookstation.core.values import Secret
from hookstation.ports.sender import Dispatch, NotSent, Tls
from tests.support.certificates import BRIEF, Authority, Certified
from tests.support.receiver import Receiver

LOOPBACK = ("127.0.0.0/8",)
OURS, STRANGER = Authority.new(), Authority.new("A stranger")


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    one = HttpSender()
    yield one
    await one.close()


def to(url: str, tls: Tls | None, **more: object) -> Dispatch:
    return Dispatch("POST", url, body=b"x", networks=LOOPBACK, tls=tls, **more)  # type: ignore[arg-type]


async def failure(sender: HttpSender, dispatch: Dispatch) -> NotSent:
    with pytest.raises(NotSent) as caught:
        await sender.send(dispatch)
    return caught.value


async def send_twice(folder: Path) -> None:
    sender, tls = HttpSender(), Tls(authorities=OURS.certificate)
    async with Receiver(tls=OURS.certify("127.0.0.1").serving(folder)) as receiver:
        fresh, kept = [(await sender.send(to(receiver.url, tls))).timing for _ in range(2)]
        assert 1 == receiver.connections
    await sender.close()
    assert NO_TIMING not in (fresh.connect, fresh.tls, fresh.first_byte)
    assert fresh.connect + fresh.tls + fresh.first_byte <= fresh.total
    assert (NO_TIMING, NO_TIMING) == (kept.connect, kept.tls)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_destinations_own_authority_is_believed_and_tls_is_timed(
    loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(send_twice(tmp_path))


@pytest.mark.parametrize(
    ("shown", "believed", "why"),
    [
        (OURS.certify("elsewhere.example"), OURS.certificate, "127.0.0.1"),
        (OURS.certify("127.0.0.1", lasts=BRIEF), OURS.certificate, "expired"),
        (STRANGER.certify("127.0.0.1"), OURS.certificate, "unable to get local issuer"),
        (OURS.certify("127.0.0.1"), "", "unable to get local issuer"),
    ],
    ids=["for another name", "expired", "of a stranger", "of nobody that the machine trusts"],
)
async def test_a_certificate_that_proves_nothing_is_refused_before_anything_is_sent(
    shown: Certified, believed: str, why: str, sender: HttpSender, tmp_path: Path
) -> None:
    async with Receiver(tls=shown.serving(tmp_path)) as receiver:
        failed = await failure(sender, to(receiver.url, Tls(authorities=believed)))
    assert (Trouble.TLS, False, 0) == (failed.trouble, failed.sent, receiver.count)
    assert why in failed.message
    assert not failed.message.endswith("..")


async def test_a_self_signed_certificate_is_refused(sender: HttpSender, tmp_path: Path) -> None:
    async with Receiver(tls=Authority.new("127.0.0.1").itself().serving(tmp_path)) as receiver:
        failed = await failure(sender, to(receiver.url, None))
    assert (Trouble.TLS, False, 0) == (failed.trouble, failed.sent, receiver.count)
    assert "self" in failed.message


async def test_a_port_without_tls_is_told(sender: HttpSender) -> None:
    async with Receiver() as receiver:
        failed = await failure(sender, to(receiver.url.replace("http", "https"), None))
    assert (Trouble.TLS, False, 0) == (failed.trouble, failed.sent, receiver.count)


async def test_silence_instead_of_tls_ends_in_the_time_out(sender: HttpSender) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        failed = await failure(sender, to(f"https://127.0.0.1:{port}", None, timeout=0.3))
    assert (Trouble.TIMEOUT, False) == (failed.trouble, failed.sent)
    assert "TLS" in failed.message


async def test_a_receiver_that_wants_a_certificate_gets_ours(sender: HttpSender, tmp_path: Path) -> None:
    known = OURS.certify("hookstation")
    server = OURS.certify("127.0.0.1").serving(tmp_path, clients=OURS.certificate)
    async with Receiver(tls=server) as receiver:
        tls = Tls(known.certificate, known.key, OURS.certificate)
        assert 200 == (await sender.send(to(receiver.url, tls))).status


@pytest.mark.parametrize(
    ("newest", "troubles"),
    [
        (ssl.TLSVersion.TLSv1_2, {Trouble.TLS}),
        (
            ssl.TLSVersion.TLSv1_3,
            {Trouble.TLS, Trouble.BROKEN_OFF},
        ),  # its refusal may come before it can be read
    ],
)
async def test_a_receiver_that_wants_another_certificate_refuses_us(
    newest: ssl.TLSVersion, troubles: set[Trouble], sender: HttpSender, tmp_path: Path
) -> None:
    server = OURS.certify("127.0.0.1").serving(tmp_path, clients=OURS.certificate)
    server.maximum_version = newest
    other = STRANGER.certify("hookstation")
    async with Receiver(tls=server) as receiver:
        nothing = await failure(sender, to(receiver.url, Tls(authorities=OURS.certificate)))
        wrong = await failure(sender, to(receiver.url, Tls(other.certificate, other.key, OURS.certificate)))
    assert 0 == receiver.count
    assert {nothing.trouble, wrong.trouble} <= troubles


@pytest.mark.parametrize("size", [1, 30_000, 100_000])
async def test_requests_follow_one_another_over_one_secure_connection(
    size: int, sender: HttpSender, tmp_path: Path
) -> None:
    """By the short way and, where it is too large for that, by the long one."""
    async with Receiver(tls=OURS.certify("127.0.0.1").serving(tmp_path)) as receiver:
        for number in range(3):
            dispatch = to(receiver.url, Tls(authorities=OURS.certificate))
            receipt = await sender.send(structs.replace(dispatch, body=bytes([65 + number]) * size))
            assert 200 == receipt.status
        assert [b"A" * size, b"B" * size, b"C" * size] == [call.body for call in receiver.calls]
        assert 1 == receiver.connections


async def test_what_one_destination_trusts_no_other_does(sender: HttpSender, tmp_path: Path) -> None:
    async with Receiver(tls=OURS.certify("127.0.0.1").serving(tmp_path)) as receiver:
        await sender.send(to(receiver.url, Tls(authorities=OURS.certificate)))
        assert Trouble.TLS == (await failure(sender, to(receiver.url, None))).trouble
        assert 1 == receiver.count


@pytest.mark.parametrize(
    "tls",
    [
        Tls(authorities="no certificate"),
        Tls(certificate="no certificate", key=Secret("no key")),
        Tls(certificate=OURS.certify("a").certificate, key=OURS.certify("b").key),
        Tls(certificate=OURS.certify("a").certificate),
    ],
    ids=["authorities", "no PEM", "another's key", "no key"],
)
async def test_certificates_of_ours_that_cannot_be_used_are_told(tls: Tls, sender: HttpSender) -> None:
    failed = await failure(sender, to("https://127.0.0.1:8443", tls))
    assert (Trouble.TLS, False) == (failed.trouble, failed.sent)
    assert "PEM" in failed.message
