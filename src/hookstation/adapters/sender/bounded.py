"""aiohttp's requests and connections, told to `progress` and bounded where aiohttp has no bound.

aiohttp reads a server's whole flood of interim answers (1xx) before it looks at the clock, and holds them meanwhile.
There is no public place for a bound, and its public hooks double the cost of a request; what stands here instead is
held by `tests/adapters/test_sender_hostile.py` and `test_sender.py`, which fail where aiohttp moves it.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable
from typing import Any, Final

import aiohttp
from aiohttp import http_exceptions
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from multidict import CIMultiDict

from hookstation.adapters.sender.progress import CURRENT

MOST_INTERIM: Final = 16
"""Interim answers to one request. RFC 9110, 15.2 allows any number; a server has use for one or two."""

STEP: Final = 8_192
"""Bytes that are read at one go, before it is looked whether there were too many."""

NOT_ADDED: Final[CIMultiDict[None]] = CIMultiDict(
    (name, None) for name in ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
)
"""Headers that aiohttp would add: what goes out is what was dispatched."""


class TimedRequest(aiohttp.ClientRequest):
    """A request that tells when it begins to leave. What is said to a proxy before is none of these."""

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:  # noqa: ARG002 - always the same
        """Add none."""
        self._skip_auto_headers = NOT_ADDED

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Begin to leave, unless the time is over."""
        if (progress := CURRENT.get()) is not None:
            progress.check()
            progress.sent = time.monotonic()
        return await super().send(conn)


class BoundedHandler(ResponseHandler):
    """One connection. An answer that nobody asked for ends it, also while it is kept for the next request."""

    _interim = _answers = 0

    def set_response_params(self, **given: Any) -> None:
        """A new request begins."""
        self._interim = self._answers = 0
        super().set_response_params(**given)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take one head."""
        if 100 <= data[0].code < 200:
            self._interim += 1
        else:
            self._answers += 1
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Read on, until there are too many heads."""
        steps = (data,) if len(data) <= STEP else [data[at : at + STEP] for at in range(0, len(data), STEP)]
        for step in steps:
            super().data_received(step)
            if self._interim > MOST_INTERIM or self._answers > 1:
                self.set_exception(
                    http_exceptions.HttpProcessingError(message="too many answers to one request")
                )
                if self.transport is not None:
                    self.transport.abort()
                return


class BoundedConnector(aiohttp.TCPConnector):
    """aiohttp's pool, with connections of ours."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._factory = functools.partial(BoundedHandler, loop=self._loop)  # type: ignore[assignment]  # a narrower one

    async def kept(self, key: ConnectionKey) -> Connection | None:
        """A connection that is kept under `key` and nobody uses; it is the caller's until it is released."""
        return await self._get(key, [])

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        if (progress := CURRENT.get()) is not None:
            progress.opening = time.monotonic()
        made = await super()._create_connection(req, traces, timeout)
        if progress is not None:
            progress.opened = time.monotonic()
        return made
