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
from aiohttp.connector import Connection
from aiohttp.http import StreamWriter
from multidict import CIMultiDict

from hookstation.adapters.sender.progress import CURRENT

MOST_INTERIM: Final = 16
"""Interim answers to one request. RFC 9110, 15.2 allows any number; a server has use for one or two."""

STEP: Final = 8_192
"""Bytes that are read at one go, before it is looked whether there were too many."""

AT_ONCE: Final = 32_768
"""Bytes of a body that leave together with the head. aiohttp has a task for every body, which costs more than to write
one that the socket's buffer has room for anyway."""

NOT_ADDED: Final[CIMultiDict[None]] = CIMultiDict(
    (name, None) for name in ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
)
"""Headers that aiohttp would add: what goes out is what was dispatched."""


class TimedRequest(aiohttp.ClientRequest):
    """A request that tells when it begins to leave. What is said to a proxy before is none of these."""

    _whole: bytes | None = None

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:  # noqa: ARG002 - always the same
        """Add none."""
        self._skip_auto_headers = NOT_ADDED

    def update_body_from_data(self, body: Any, _stacklevel: int = 3) -> None:
        """Take the body, and see whether it can leave in one piece."""
        super().update_body_from_data(body, _stacklevel)
        self._whole = body if isinstance(body, bytes) and len(body) <= AT_ONCE else None

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Begin to leave, unless the time is over."""
        if (progress := CURRENT.get()) is not None:
            progress.check()
            progress.sent = time.monotonic()
        protocol = conn.protocol
        if self._whole is None or self._continue is not None or protocol is None or protocol.writing_paused:
            return await super().send(conn)
        return await self._send_whole(protocol, self._whole)

    async def _send_whole(self, protocol: ResponseHandler, body: bytes) -> aiohttp.ClientResponse:
        """Head and body in one write."""
        writer = StreamWriter(protocol, self.loop)
        place = str(self.url) if self.proxy and not self.is_ssl() else self.url.raw_path_qs
        try:
            await writer.write_headers(f"{self.method} {place} HTTP/1.1", self.headers)
            await writer.write_eof(body)
        except OSError as broken:
            raise aiohttp.ClientOSError(broken.errno, "the request could not be written") from broken
        protocol.start_timeout()
        response = self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=self._traces,
            loop=self.loop,
            session=self._session,
            stream_writer=writer,
        )
        self.response = response  # type: ignore[assignment]  # aiohttp says so where it does the same
        return response


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
        for start in range(0, len(data), STEP):
            super().data_received(data[start : start + STEP])
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

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        if (progress := CURRENT.get()) is not None:
            progress.opening = time.monotonic()
        made = await super()._create_connection(req, traces, timeout)
        if progress is not None:
            progress.opened = time.monotonic()
        return made
