"""A mailbox server (pymap) on loopback, in a thread of its own, and another client that looks into it."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import re
import ssl
import threading
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, DictBackend
from pymap.imap import IMAPServer
from pysasl.hashing import BuiltinHash

USER: Final = "hookstation"
PASSWORD: Final = "Grüße aus dem Test"


@dataclass
class ImapHost:
    """A running server. `context`: its TLS, from the first byte or asked for; without one there is none."""

    context: ssl.SSLContext | None = None
    from_the_first_byte: bool = False
    port: int = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[ImapHost]:
        """Serve until the end of the block."""
        started, loop = threading.Event(), asyncio.new_event_loop()
        ending = asyncio.Event()

        def serve() -> None:
            loop.run_until_complete(self._serve(started, ending))
            loop.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            assert started.wait(10)
            yield self
        finally:
            loop.call_soon_threadsafe(ending.set)
            thread.join(10)

    @contextlib.contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """Signed in by other means than the connector's."""
        with self._connected() as client:
            if self.context is not None and not self.from_the_first_byte:
                client.starttls(_trusting())
            client.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
            yield client

    def put(self, raw: bytes) -> int:
        """Place a message in INBOX; its uid."""
        with self.client() as client:
            _, (told,) = client.append("INBOX", "", "", raw)
        found = re.search(rb"APPENDUID \d+ (\d+)", told)
        assert found is not None
        return int(found[1])

    def recount(self) -> None:
        """Make INBOX anew, with the same mails under another validity."""
        with self.client() as client:
            aside = f"Aside-{next(_NUMBERS)}"
            client.rename("INBOX", aside)
            client.select(aside)
            client.copy("1:*", "INBOX")

    def marks(self) -> list[str]:
        """The flags of all mails of INBOX."""
        with self.client() as client:
            client.select("INBOX", readonly=True)
            return [str(line) for line in client.fetch("1:*", "(FLAGS)")[1]]

    def _connected(self) -> imaplib.IMAP4:
        if self.from_the_first_byte:
            return imaplib.IMAP4_SSL("127.0.0.1", self.port, ssl_context=_trusting(), timeout=10)
        return imaplib.IMAP4("127.0.0.1", self.port, timeout=10)

    async def _serve(self, started: threading.Event, ending: asyncio.Event) -> None:
        config = Config(
            Namespace(passlib_cfg=None, tls=True, cert=None, key=None, proxy_protocol=None),
            demo_data=False,
            demo_user=USER,
            demo_password=PASSWORD,
            host="127.0.0.1",
            port=0,
            ssl_context=self.context,
            tls_enabled=self.context is not None and not self.from_the_first_byte,
            secure_auth=self.context is not None and not self.from_the_first_byte,
            invalid_user_sleep=0.0,
            hash_context=BuiltinHash(rounds=1),
        )
        backend = await _Backend.made(config)
        callback = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(backend.login, config))
        outer = self.context if self.from_the_first_byte else None
        server = await asyncio.start_server(callback, "127.0.0.1", 0, ssl=outer)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await ending.wait()
        server.close()
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)


class _Backend(DictBackend):
    @classmethod
    async def made(cls, config: Config) -> DictBackend:
        from pymap.backend.dict import Login

        login = Login(config)
        await cls._add_demo_user(config, login)
        return cls(login, config)


_NUMBERS: Final = count(1)


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
