"""The HTTP/1.1 protocol of the server: uvicorn's httptools protocol with bounds on what comes before a body.

llhttp, under httptools, refuses ambiguous framing (request smuggling); this adds what it has no opinion on: how large
a request's head may be and how long it may take, and answers in JSON where a request cannot be parsed.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from hookstation.core import answers

LARGEST_HEAD: Final = 64 * 1024
"""Most bytes of request line and headers."""

HEAD_SECONDS: Final = 15.0
"""Most seconds for the head of a request to arrive, and for the first one to begin."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _head_bytes = 0
    _in_head = False
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; its first request has to begin soon."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, and its timer with it."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request's head begins."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A request's head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes of one or several requests."""
        super().data_received(data)
        if self._in_head:
            self._bound_head(len(data))
        elif self._head_timer is not None:
            self._stop_timer()

    def _bound_head(self, received: int) -> None:
        self._head_bytes += received
        if self._head_bytes > LARGEST_HEAD:
            self._refuse(431, f"The head of the request is larger than {LARGEST_HEAD} bytes.")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def _head_too_slow(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self._in_head:
            self._refuse(408, "The head of the request did not arrive in time.")
        else:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def send_400_response(self, msg: str) -> None:
        """The request cannot be parsed."""
        self._refuse(400, msg)

    def _refuse(self, status: int, error: str) -> None:
        """Answer without the application, and end the connection."""
        if self.transport.is_closing():
            return
        body = answers.refused(status, error).body
        head = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            head += [name, b": ", value, b"\r\n"]
        head += [
            b"content-type: application/json\r\ncontent-length: ",
            str(len(body)).encode(),
            b"\r\nconnection: close\r\n\r\n",
            body,
        ]
        self.transport.write(b"".join(head))
        self.transport.close()
