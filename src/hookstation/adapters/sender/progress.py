"""How far one request has come, and when: what aiohttp does meanwhile is told through these hooks.

aiohttp makes connections in tasks of its own, but in the context of whoever wants one. `CURRENT` leads there.
"""

from __future__ import annotations

import socket
import ssl
import time
from contextvars import ContextVar
from typing import Any, Final

import msgspec

from hookstation.core.outgoing.values import NO_TIMING, Timing

MICROSECONDS: Final = 1_000_000


class Progress(msgspec.Struct):
    """Seconds by one clock, 0 for what has not happened. `timeout`: for the whole; `named`: the host is looked up.
    `proxied`: it goes by way of a proxy.

    `opening`: a connection is made; `dialled`: its address is known; `joined`: TLS begins; `opened`: it stands.
    `sent`: the request begins to leave; `answered`: the head of the answer is here.
    """

    timeout: float
    named: bool = False
    proxied: bool = False
    began: float = msgspec.field(default_factory=time.monotonic)
    opening: float = 0.0
    dialled: float = 0.0
    joined: float = 0.0
    opened: float = 0.0
    sent: float = 0.0
    answered: float = 0.0

    def check(self) -> None:
        """Raise `TimeoutError` where the time is over and the time-out has not come yet.

        A process that stood still hears of its time-outs late. Whoever gave it up may have sent the same meanwhile.
        """
        if time.monotonic() - self.began > self.timeout:
            raise TimeoutError("the process stood still")

    @property
    def at_proxy(self) -> bool:
        """Whether the way through a proxy is not open yet."""
        return self.proxied and not (self.joined or self.opened or self.sent)

    @property
    def in_tls(self) -> bool:
        """Whether TLS is being agreed on."""
        return self.joined > 0 and not (self.opened or self.sent)

    @property
    def waits_for(self) -> str:
        """What has not come, for people."""
        if self.answered:
            return "the rest of its answer"
        if self.sent:
            return "its answer"
        if self.joined:
            return "the agreement on TLS"
        if self.dialled:
            return "the connection"
        return "the look-up of its name" if self.opening and self.named else "a free connection"

    def timing(self) -> Timing:
        """The parts, up to now. A part that did not end took until now."""
        now = time.monotonic()
        made = self.opened or now
        return Timing(
            dns=_took(self.opening, self.dialled or now) if self.named else NO_TIMING,
            connect=_took(self.dialled, self.joined or made),
            tls=_took(self.joined, made),
            first_byte=_took(self.opened or self.sent, self.answered or now) if self.sent else NO_TIMING,
            total=_took(self.began, now),
        )


def _took(since: float, until: float) -> int:
    return round((until - since) * MICROSECONDS) if since else NO_TIMING


CURRENT: Final[ContextVar[Progress | None]] = ContextVar("the request under way", default=None)


def dial(address: tuple[Any, ...]) -> socket.socket:
    """The socket for an address as `socket.getaddrinfo` tells it; here its look-up is over."""
    progress = CURRENT.get()
    if progress is not None and not progress.dialled:
        progress.dialled = time.monotonic()
    family, kind, protocol, _, _ = address
    return socket.socket(family, kind, protocol)


class TimedContext(ssl.SSLContext):
    """TLS that tells when it begins."""

    def wrap_bio(self, *args: Any, **more: Any) -> ssl.SSLObject:
        """Begin TLS on a connection that stands."""
        progress = CURRENT.get()
        if progress is not None:
            progress.joined = time.monotonic()
        return super().wrap_bio(*args, **more)
