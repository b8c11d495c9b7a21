"""The only way out: HTTP requests to other systems, behind the address guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. `url` is absolute; `timeout` is the whole of it, in seconds; redirects are never followed.

    `networks` lists, in CIDR form, the private networks that this caller may reach.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout: float = 30.0
    networks: tuple[str, ...] = ()
    largest_answer: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient(Protocol):
    """Sends requests over pooled connections.

    Raises `AddressRefused` before anything is sent where the guard forbids an address of the name,
    `Retriable` where the request surely never left (name look-up, connect, TLS, before the first byte), and
    `UnknownOutcome` where it was sent in part or whole and no complete answer came back in time.
    """

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Send and read the whole answer."""
        ...

    async def close(self) -> None:
        """Close the pool."""
        ...
