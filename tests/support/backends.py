"""Small HTTP servers that stand where nodes stand, and do to a call whatever a test wants done."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answering = Callable[["Call"], None]


class Call(BaseHTTPRequestHandler):
    """One connection to a back end, and the call that is on it."""

    protocol_version = "HTTP/1.1"
    backend: Backend

    def do_GET(self) -> None:
        """``/readyz`` as the back end is told; it is alive, and nothing else is there."""
        known = {"/healthz": 200, "/readyz": 200 if self.backend.ready else 503}
        self.answer(known.get(self.path.partition("?")[0], 404))

    def do_POST(self) -> None:
        """Note it, and do what the test wants."""
        self.backend.begin(self)
        self.backend.answering(self)

    def body(self, size: int | None = None) -> bytes:
        """The first bytes of the body; all of it where no size is given."""
        return self.rfile.read(int(self.headers["Content-Length"]) if size is None else size)

    def answer(self, status: int) -> None:
        """Answer without a body."""
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def cut(self) -> None:
        """Reset the connection."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.connection.close()

    def handle(self) -> None:
        """Serve one call after the other, until the caller hangs up, however he does it."""
        with contextlib.suppress(ConnectionError, ValueError):
            super().handle()

    def finish(self) -> None:
        """End the connection, also where it was cut."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def done(call: Call) -> None:
    """Read it all and answer 200."""
    call.body()
    call.answer(200)


class Backend:
    """A node as a balancer sees it. `headers` of every POST that began; `ready` is what ``/readyz`` says."""

    def __init__(self, answering: Answering = done) -> None:
        self.reset(answering)
        handler = type("Handler", (Call,), {"backend": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    @property
    def begun(self) -> int:
        """How many POSTs have come here."""
        return len(self.headers)

    def reset(self, answering: Answering = done) -> None:
        """Be ready and answer so, as if nothing had come yet."""
        self.ready = True
        self.answering = answering
        self.headers: list[list[tuple[str, str]]] = []

    def begin(self, call: Call) -> None:
        """A POST has come."""
        self.headers.append(list(call.headers.items()))

    def close(self) -> None:
        """Take no connection any more; one more time does no harm."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def backends(*answering: Answering) -> Iterator[list[Backend]]:
    """A back end for each way of answering; three that answer 200 where none is given."""
    started = [Backend(one) for one in answering or (done, done, done)]
    try:
        yield started
    finally:
        for one in started:
            one.close()
