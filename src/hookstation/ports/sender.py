"""The way out for deliveries: one HTTP request, told in every detail, however hostile the receiver is."""

from __future__ import annotations

from typing import Protocol

import msgspec

from hookstation.core.outgoing.values import Timing, Trouble
from hookstation.core.values import Secret
from hookstation.errors import HookstationError


class Tls(msgspec.Struct, frozen=True):
    """What a destination's TLS needs besides the usual: our certificate with its key, and whom to trust, all as PEM."""

    certificate: str = ""
    key: Secret | None = None
    authorities: str = ""


class Dispatch(msgspec.Struct, frozen=True):
    """One request that goes out. `headers` stand in the order in which they are sent; redirects are never followed.

    `timeout`: seconds for the whole of it.  `networks` lists, in CIDR form, the private networks that it may reach;
    `ports` the ports (empty: all but those that browsers refuse and those of well-known databases and mail).
    `proxy`: the URL of an HTTP proxy with its credentials; then the proxy looks names up, and the address guard judges
    the proxy's address alone.  `kept`: bytes of the answer that are read.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    timeout: float = 20.0
    networks: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    proxy: Secret | None = None
    tls: Tls | None = None
    kept: int = 16_384


class Receipt(msgspec.Struct, frozen=True):
    """The answer, whatever its status; header names as they came. `cut`: there was more than `Dispatch.kept`."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: bool
    timing: Timing


class NotSent(HookstationError):
    """No answer came. `trouble` and `message`, for people, say why; `sent`: the request had begun to leave."""

    def __init__(self, trouble: Trouble, message: str, timing: Timing, *, sent: bool = False) -> None:
        self.trouble, self.timing, self.sent = trouble, timing, sent
        super().__init__(message)


class Sender(Protocol):
    """Sends over connections that are kept, one pool for each set of permissions, proxy and TLS.

    Takes bounded memory and time whatever comes back.
    """

    async def send(self, dispatch: Dispatch) -> Receipt:
        """Send, and read the head and as much of the body as is kept. Raises `NotSent`."""
        ...

    async def close(self) -> None:
        """Close the pools. Safe to call twice."""
        ...
