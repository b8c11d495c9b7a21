from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookstation.adapters.sender import HttpSender
from hookstation.core.outgoing.values import NO_TIMING, Trouble
from hookstation.core.values import Secret
from hookstation.ports.sender import Dispatch, NotSent, Tls
from tests.adapters.test_sender import unused_port
from tests.support.certificates import Authority
from tests.support.forward_proxy import ForwardProxy
from tests.support.names import Names
from tests.support.receiver import Receiver

LOOPBACK = ("127.0.0.0/8",)
OURS = Authority.new()


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    one = HttpSender(Names(proxy_example=[["127.0.0.1"]]))
    yield one
    await one.close()


def by(proxy: str, url: str, tls: Tls | None = None, timeout: float = 20.0) -> Dispatch:
    return Dispatch("POST", url, body=b"x", networks=LOOPBACK, proxy=Secret(proxy), tls=tls, timeout=timeout)


async def failure(sender: HttpSender, dispatch: Dispatch) -> NotSent:
    with pytest.raises(NotSent) as caught:
        await sender.send(dispatch)
    return caught.value


async def test_a_call_goes_through_the_proxy_which_looks_the_name_up(
    sender: HttpSender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Receiver() as receiver, ForwardProxy("me:s3cret").listening() as proxy:
        proxy.places["hooks.example"] = receiver.port
        assert 200 == (await sender.send(by(proxy.url, "http://hooks.example/a"))).status
    assert (["POST http://hooks.example/a HTTP/1.1"], "/a") == (proxy.lines, receiver.calls[0].path)
    assert "s3cret" not in caplog.text


async def test_a_secure_call_goes_through_a_tunnel_and_shows_its_credentials_to_the_proxy_alone(
    sender: HttpSender, tmp_path: Path
) -> None:
    server = OURS.certify("hooks.example").serving(tmp_path)
    async with Receiver(tls=server) as receiver, ForwardProxy("me:s3cret").listening() as proxy:
        proxy.places["hooks.example:443"] = receiver.port
        dispatch = by(proxy.url, "https://hooks.example/a", Tls(authorities=OURS.certificate))
        timing = (await sender.send(dispatch)).timing
        assert 200 == (await sender.send(dispatch)).status
    assert ["CONNECT hooks.example:443 HTTP/1.1"] == proxy.lines
    assert ["", ""] == [call.header("proxy-authorization") for call in receiver.calls]
    assert (NO_TIMING, True, True) == (timing.dns, timing.connect > 0, timing.tls > 0)


async def test_the_certificate_behind_a_proxy_is_the_receivers(sender: HttpSender, tmp_path: Path) -> None:
    server = OURS.certify("elsewhere.example").serving(tmp_path)
    async with Receiver(tls=server) as receiver, ForwardProxy().listening() as proxy:
        proxy.places["hooks.example:443"] = receiver.port
        failed = await failure(
            sender, by(proxy.url, "https://hooks.example/", Tls(authorities=OURS.certificate))
        )
    assert (Trouble.TLS, False) == (failed.trouble, failed.sent)


@pytest.mark.parametrize("url", ["http://hooks.example/", "https://hooks.example/"])
async def test_a_proxy_that_wants_other_credentials_is_told(url: str, sender: HttpSender) -> None:
    async with ForwardProxy("me:s3cret").listening() as proxy:
        failed = await failure(sender, by(proxy.url.replace("s3cret", "wr0ng"), url))
    assert Trouble.PROXY == failed.trouble
    assert "407" in failed.message
    assert "wr0ng" not in failed.message


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", b"SSH-2.0-hello\r\n\r\n", b"HTTP/1.1 20",
     b"HTTP/1.1 100 Wait\r\n\r\n" * 10_000, b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000],
    ids=["nothing", "502", "no HTTP", "half a status", "a flood of 1xx", "a huge header"],
)  # fmt: skip
async def test_a_proxy_that_opens_no_tunnel_is_the_trouble(said: bytes, sender: HttpSender) -> None:
    async with ForwardProxy(answer=said).listening() as proxy:
        failed = await failure(sender, by(proxy.url, "https://hooks.example/"))
    assert (Trouble.PROXY, False) == (failed.trouble, failed.sent)


async def test_a_proxy_that_is_not_there_is_the_trouble(sender: HttpSender) -> None:
    nobody = await failure(sender, by(f"http://127.0.0.1:{unused_port()}", "https://hooks.example/"))
    nowhere = await failure(sender, by("http://nowhere.example:3128", "http://hooks.example/"))
    assert (Trouble.PROXY, Trouble.PROXY) == (nobody.trouble, nowhere.trouble)


async def test_a_proxys_name_is_looked_up_here(sender: HttpSender) -> None:
    async with Receiver() as receiver, ForwardProxy().listening() as proxy:
        proxy.places["hooks.example"] = receiver.port
        named = proxy.url.replace("127.0.0.1", "proxy.example")
        assert (await sender.send(by(named, "http://hooks.example/"))).timing.dns >= 0
