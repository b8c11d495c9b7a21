"""An FTP server on loopback, with TLS or without, whose files lie in a folder of the test."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from tests.support.certificates import Certified

USER: Final = "hookstation"
PASSWORD: Final = "Grüße aus dem Test"
LOCKED: Final = "locked"
READS_ONLY: Final = "elr"
DOES_ALL: Final = "elradfmwMT"


@dataclass
class FtpHost:
    """A running server. `certified`: its certificate; without one it offers no TLS. `refused`: commands not known."""

    root: Path
    certified: Certified | None = None
    implicit: bool = False
    refused: tuple[str, ...] = ()
    port: int = 0
    _handlers: set[FTPHandler] = field(default_factory=set)
    _loop: IOLoop | None = None

    def cut(self) -> None:
        """Hang up on everybody; it has happened when this returns."""
        done = threading.Event()

        def hang_up() -> None:
            for handler in list(self._handlers):
                handler.close()
            self._handlers.clear()
            done.set()

        assert self._loop is not None
        self._loop.call_later(0, hang_up)
        assert done.wait(10)

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator[FtpHost]:
        """Serve until the end of the block. `folder`: where the certificate may be written."""
        self._loop = IOLoop()
        server = FTPServer(("127.0.0.1", 0), self._handler(folder), ioloop=self._loop)
        self.port = server.address[1]
        ending = threading.Event()

        def serve() -> None:
            while not ending.is_set():
                server.serve_forever(timeout=0.01, blocking=False)
            server.close_all()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield self
        finally:
            ending.set()
            thread.join(10)

    def _handler(self, folder: Path) -> type[FTPHandler]:
        authorizer = DummyAuthorizer()
        authorizer.add_user(USER, PASSWORD, str(self.root), perm=DOES_ALL)
        authorizer.override_perm(USER, str(self.root / LOCKED), READS_ONLY, recursive=True)
        host = self

        class Handler(TLS_FTPHandler if self.certified else FTPHandler):  # type: ignore[misc]
            def on_connect(self) -> None:
                host._handlers.add(self)

            def handle(self) -> None:
                if host.implicit:
                    self.secure_connection(self.ssl_context)
                else:
                    super().handle()

            def handle_ssl_established(self) -> None:
                if host.implicit:
                    super().handle()

            def on_disconnect(self) -> None:
                host._handlers.discard(self)

        Handler.authorizer = authorizer
        Handler.auth_failed_timeout = 0
        Handler.proto_cmds = {
            name: facts for name, facts in Handler.proto_cmds.items() if name not in self.refused
        }
        if self.certified is not None:
            file = folder / "ftp.pem"
            file.write_text(self.certified.certificate + self.certified.key.reveal())
            Handler.certfile = str(file)
            Handler.tls_control_required = Handler.tls_data_required = True
        return Handler
