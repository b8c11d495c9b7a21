"""The HTTP/1.1 protocol of the server: uvicorn's httptools protocol, made strict about what surrounds a call.

llhttp, under httptools, refuses ambiguous framing (request smuggling); this adds what it has no opinion on: how large
a request's head may be and how long it may take, that an error never overtakes the answers before it, that a wish for
another protocol is passed over (RFC 9110, 7.8), that trailers are no headers (RFC 9110, 6.5.1), and that a sender
which ends its side of the connection still gets its answer.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from hookstation.core import answers

LARGEST_HEAD: Final = 64 * 1024
"""Most bytes of request line and headers, and of whatever comes in one piece outside a body."""

HEAD_SECONDS: Final = 15.0
"""Most seconds for the head of a request to arrive, and for the first one to begin."""

LINGER_SECONDS: Final = 2.0
"""How long a sender whose body is not wanted may go on sending before it is cut off."""

MOST_CONNECTIONS: Final = 10_000

NO_REQUEST: Final = "This is not an HTTP/1.1 request that can be read in one way only."


class HeadTooLarge(Exception):
    """The head of the request is too large."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    most_connections = MOST_CONNECTIONS
    control: tuple[str, int] | None = None
    """The listener whose connections are not bounded: a full station still hears its own commands."""
    controls: ClassVar[set[HttpToolsProtocol]] = set()
    """The open connections of that listener."""
    _head_bytes = 0
    _quiet_bytes = 0
    _moved = False
    _in_head = False
    _in_message = False
    _too_large = False
    _wishes_upgrade = False
    _last_words = b""
    _deaf = False
    _idle_since = 0.0
    """When the last answer was out, in the event loop's seconds; 0 while there is something to do."""
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; its first request has to begin soon."""
        super().connection_made(transport)
        if self.server == self.control:
            self.controls.add(self)
        elif len(self.connections) - len(self.controls) > self.most_connections:
            headers = [*self.server_state.default_headers, (b"retry-after", b"1")]
            self._hang_up(_answer(503, "The station has too many connections. Send it again.", headers))
            return
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, and its timer with it."""
        self._stop_timer()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        self.controls.discard(self)
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The sender has no more to send: a whole call still gets its answer; TLS cannot be open on one side."""
        if self.scheme != "https" and self._answering() and not self.cycle.more_body:
            self.cycle.keep_alive = False
            return True
        return None

    def data_received(self, data: bytes) -> None:
        """Bytes of one or several requests."""
        if self._deaf or self._last_words:
            return
        self._unset_keepalive_if_required()
        self._moved = False
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._unreadable()
            return
        self._quiet_bytes = 0 if self._moved else self._quiet_bytes + len(data)
        if self._in_message and self._quiet_bytes > LARGEST_HEAD:
            self._too_large = True
            self._unreadable()
        elif not self._in_head:
            self._stop_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def _feed(self, data: bytes) -> None:
        """Parse; what wishes for another protocol is parsed again as if it did not."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as wish:
                data = self._without_wish() + data[int(wish.args[0]) :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self._wishes_upgrade = False
            else:
                return

    def _without_wish(self) -> bytes:
        """The head that was just read, without its upgrade."""
        method: bytes = self.parser.get_method()
        version: str = self.parser.get_http_version()
        lines = [b"%b %b HTTP/%b" % (method, self.url, version.encode())]
        for name, value in self.headers:
            if name == b"connection":
                kept = [one.strip() for one in value.split(b",")]
                value = b", ".join(one for one in kept if one.lower() != b"upgrade")
            if name != b"upgrade" and value:
                lines.append(b"%b: %b" % (name, value))
        return b"\r\n".join([*lines, b"", b""])

    def on_message_begin(self) -> None:
        """A request's head begins."""
        self._in_head = self._in_message = self._moved = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._moved = True
        self._head_bytes += len(url)
        if self._head_bytes > LARGEST_HEAD:
            self._refuse_head()
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, without the white space behind its value (RFC 9110, 5.5); a trailer is counted and passed over."""
        self._moved = True
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > LARGEST_HEAD:
            self._refuse_head()
        if self._in_head:
            name, value = name.lower(), value.rstrip(b" \t")
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """A request's head is whole. What `parse_url` refuses, such as CONNECT's address, is unreadable."""
        self._wishes_upgrade = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        if not self._wishes_upgrade:
            super().on_headers_complete()
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole, unless only its head is and it is about to be read again."""
        self._in_message = False
        if not self._wishes_upgrade:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is out; after the last one comes what there is to say of a request that cannot be read."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self._idle)
        if self._last_words:
            self._hang_up(self._last_words)

    def _unset_keepalive_if_required(self) -> None:
        """Bytes came. The timer stays: to set and cancel one with each call costs more than to look at the end."""
        self._idle_since = 0.0

    def _idle(self) -> None:
        """Close a connection that has been idle for its time, or look again when it may have been."""
        self.timeout_keep_alive_task = None
        if self.transport.is_closing():
            return
        since = self._idle_since or self.loop.time()
        left = since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self._idle)
        else:
            self.transport.close()

    def part(self) -> None:
        """End the connection after an answer to a call whose body is not read to its end.

        Closed while bytes wait in it, a connection is reset, and the reset may overtake the answer: so our side is
        ended first, and what still comes is thrown away for a moment (RFC 9112, 9.6).
        """
        self._stop_timer()
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self._deaf = True
        self.flow.resume_reading()
        self.transport.write_eof()
        self._head_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _refuse_head(self) -> None:
        self._too_large = True
        raise HeadTooLarge

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _head_too_slow(self) -> None:
        self._head_timer = None
        if self._answering():  # the rest may wait behind our own work: reading pauses while calls queue
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)
        elif self._in_head:
            self._refuse(408, "The head of the request did not arrive in time.")
        else:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _unreadable(self) -> None:
        if self._too_large:
            self._refuse(431, f"The head of the request is larger than {LARGEST_HEAD} bytes.")
        else:
            self._refuse(400, NO_REQUEST)

    def _refuse(self, status: int, error: str) -> None:
        """End the connection over a request that cannot be read, but not before the answers that are owed."""
        words = _answer(status, error, self.server_state.default_headers)
        in_body = self._in_message and not self._in_head
        if not self._answering():
            self._hang_up(b"" if in_body else words)
        elif not in_body:
            self._last_words = words
        elif self.pipeline:
            self.pipeline.popleft()
            self._last_words = words
        else:
            self._hang_up(b"" if self.cycle.response_started else words)

    def _hang_up(self, words: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(words)
            self.transport.close()


def _answer(status: int, error: str, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    body = answers.refused(status, error).body
    head = [STATUS_LINE[status]]
    for name, value in default_headers:
        head += [name, b": ", value, b"\r\n"]
    length = str(len(body)).encode()
    head += [
        b"content-type: application/json\r\ncontent-length: ",
        length,
        b"\r\nconnection: close\r\n\r\n",
        body,
    ]
    return b"".join(head)
