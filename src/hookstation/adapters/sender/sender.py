"""`ports.sender.Sender` on aiohttp."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver

from hookstation.adapters.guard import SystemNames
from hookstation.adapters.sender.deadline import Deadline
from hookstation.adapters.sender.pools import Pools
from hookstation.adapters.sender.progress import CURRENT, Progress
from hookstation.adapters.sender.request import Target, as_payload, check_words, judge_target, spelled
from hookstation.adapters.sender.troubles import FOREIGN, UnfitAnswer, translate
from hookstation.core.outgoing.values import Trouble
from hookstation.ports.sender import Dispatch, NotSent, Receipt

SWITCHING: Final = 101
PROXY_WANTS_CREDENTIALS: Final = 407


class HttpSender:
    """Sends deliveries. `names` answers look-ups; by default the operating system does, in threads of its own.

    Make and use it in one event loop.
    """

    def __init__(self, names: AbstractResolver | None = None) -> None:
        self._names = names or SystemNames()
        self._pools = Pools(self._names)
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, dispatch: Dispatch) -> Receipt:
        """Send, and read the answer as far as it is kept; see the port for what is raised."""
        progress = Progress(dispatch.timeout)
        before = CURRENT.set(progress)
        try:
            with Deadline(self._running_loop(), dispatch.timeout):
                return await self._send(dispatch, progress)
        except (*FOREIGN, UnfitAnswer) as error:
            raise translate(error, progress) from None
        finally:
            CURRENT.reset(before)

    async def close(self) -> None:
        """Close the pools. Safe to call twice."""
        self._closed = True
        await self._pools.close()
        await self._names.close()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop: to ask which one runs is a system call, so it is asked once."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    async def _send(self, dispatch: Dispatch, progress: Progress) -> Receipt:
        target = judge_target(dispatch.url, dispatch.networks, dispatch.ports, dispatch.proxy)
        check_words(dispatch)
        progress.named, progress.proxied = target.named, target.proxy is not None
        if self._closed:
            raise NotSent(Trouble.CONNECT, "The station is stopping; nothing was sent.", progress.timing())
        pool = self._pools.take(dispatch)
        try:
            return await self._exchange(pool.session, dispatch, target, progress)
        finally:
            await self._pools.give_back(pool)

    async def _exchange(
        self, session: aiohttp.ClientSession, dispatch: Dispatch, target: Target, progress: Progress
    ) -> Receipt:
        async with session.request(
            dispatch.method,
            target.url,
            headers=spelled(dispatch.headers),
            data=as_payload(dispatch.body),
            allow_redirects=False,
            proxy=target.proxy,
            proxy_headers=target.shown,
        ) as response:
            progress.answered = time.monotonic()
            _check(response, target)
            body = await _read(response.content, dispatch.kept)
            cut = len(body) > dispatch.kept
            if cut:
                response.close()
            return Receipt(response.status, _headers(response), body[: dispatch.kept], cut, progress.timing())


def _check(response: aiohttp.ClientResponse, target: Target) -> None:
    """Raise where this is no answer of the receiver's to a request."""
    if response.status == SWITCHING:
        raise UnfitAnswer("The receiver switched to another protocol (101), which nobody asked for.")
    if target.proxy is not None and response.status == PROXY_WANTS_CREDENTIALS:
        raise aiohttp.ClientHttpProxyError(
            response.request_info, (), status=response.status, message="the proxy wants credentials"
        )


async def _read(content: aiohttp.StreamReader, kept: int) -> bytes:
    """The body, or a little more than is kept of it."""
    parts: list[bytes] = []
    size = 0
    while size <= kept and (part := await content.readany()):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _headers(response: aiohttp.ClientResponse) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers)
