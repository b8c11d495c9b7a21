"""`ports.sender.Sender` on aiohttp."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver

from hookstation.adapters.guard import SystemNames
from hookstation.adapters.sender.deadline import Deadline, Deadlines
from hookstation.adapters.sender.kept import SWITCHING, exchange, read, switched, told, wire_of
from hookstation.adapters.sender.pools import Pools
from hookstation.adapters.sender.progress import CURRENT, Progress
from hookstation.adapters.sender.request import Target, as_payload, check_words, judge_target
from hookstation.adapters.sender.troubles import FOREIGN, UnfitAnswer, translate
from hookstation.core.outgoing.values import Trouble
from hookstation.ports.sender import Dispatch, NotSent, Receipt

PROXY_WANTS_CREDENTIALS: Final = 407


class HttpSender:
    """Sends deliveries. `names` answers look-ups; by default the operating system does, in threads of its own.

    Make and use it in one event loop.
    """

    def __init__(self, names: AbstractResolver | None = None) -> None:
        self._names = names or SystemNames()
        self._pools = Pools(self._names)
        self._closed = False
        self._deadlines: Deadlines | None = None

    async def send(self, dispatch: Dispatch) -> Receipt:
        """Send, and read the answer as far as it is kept; see the port for what is raised."""
        progress = Progress(dispatch.timeout)
        try:
            with Deadline(self._running(), dispatch.timeout):
                return await self._send(dispatch, progress)
        except (*FOREIGN, UnfitAnswer) as error:
            raise translate(error, progress) from None

    async def close(self) -> None:
        """Close the pools. Safe to call twice."""
        self._closed = True
        await self._pools.close()
        await self._names.close()

    def _running(self) -> Deadlines:
        """Those of the event loop: to ask which one runs is a system call, so it is asked once."""
        if self._deadlines is None:
            self._deadlines = Deadlines(asyncio.get_running_loop())
        return self._deadlines

    async def _send(self, dispatch: Dispatch, progress: Progress) -> Receipt:
        target = judge_target(dispatch.url, dispatch.networks, dispatch.ports, dispatch.proxy)
        names = check_words(dispatch)
        progress.named, progress.proxied = target.named, target.proxy is not None
        if self._closed:
            raise NotSent(Trouble.CONNECT, "The station is stopping; nothing was sent.", progress.timing())
        wire = wire_of(dispatch, target, names)
        pool = self._pools.take(dispatch, target)
        try:
            kept = await pool.connector.kept(target.key) if wire is not None else None
            if kept is not None and wire is not None:
                return await exchange(kept, wire, dispatch.kept, progress)
            return await self._exchange(pool.session, dispatch, target, names, progress)
        finally:
            self._pools.give_back(pool)
            if self._pools.too_many:
                await self._pools.clear()

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        dispatch: Dispatch,
        target: Target,
        names: tuple[str, ...],
        progress: Progress,
    ) -> Receipt:
        """aiohttp's own way."""
        before = CURRENT.set(progress)
        try:
            async with session.request(
                dispatch.method,
                target.url,
                headers=[(name, value) for name, (_, value) in zip(names, dispatch.headers, strict=True)],
                data=as_payload(dispatch.body),
                allow_redirects=False,
                proxy=target.proxy,
                proxy_headers=target.shown,
            ) as response:
                progress.answered = time.monotonic()
                _check(response, target)
                body = await read(response.content, dispatch.kept)
                cut = len(body) > dispatch.kept
                if cut:
                    response.close()
                headers = told(response.raw_headers)
                return Receipt(response.status, headers, body[: dispatch.kept], cut, progress.timing())
        finally:
            CURRENT.reset(before)


def _check(response: aiohttp.ClientResponse, target: Target) -> None:
    """Raise where this is no answer of the receiver's to a request."""
    if response.status == SWITCHING:
        raise switched()
    if target.proxy is not None and response.status == PROXY_WANTS_CREDENTIALS:
        raise aiohttp.ClientHttpProxyError(
            response.request_info, (), status=response.status, message="the proxy wants credentials"
        )
