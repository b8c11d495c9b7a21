"""Systems with an HTTP interface that is called in its own terms: iMIS and any other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from hookstation.core.values import JSON
from hookstation.ports.connector import Connector
from hookstation.ports.rows import Row


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call. `path`: below the connection's address, with its query in `query`. `timeout`: seconds, 0: its own.

    `body` goes as it is, with `content_type`.  `link`: the address of another page, as the answer to this path and
    query named it; it takes their place.  One that leads to another system is refused, since our credentials go along.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = ""
    timeout: float = 0.0
    largest_answer: int = 8 * 1024 * 1024
    link: str = ""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """An answer of any status below 400; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@runtime_checkable
class ApiConnector(Connector, Protocol):
    """A system that is called. Every method raises as `RemoteConnector.execute`: `Terminal` for a 4xx, and so on."""

    async def call(self, call: ApiCall) -> ApiAnswer:
        """Call it with the connection's credentials. A call that is not safe to repeat is never repeated by itself."""
        ...

    def pages(self, call: ApiCall) -> AsyncIterator[Sequence[JSON]]:
        """The items of every page, from the page that the call names on, by the system's own rule of paging."""
        ...


@runtime_checkable
class QueryConnector(Connector, Protocol):
    """A system with stored queries (iMIS: IQA)."""

    def query(
        self, name: str, parameters: Mapping[str, str], offset: int = 0, limit: int = 0
    ) -> AsyncIterator[Sequence[Row]]:
        """Rows of a stored query, page by page, from a row on. `limit`: 0 for all."""
        ...

    async def activities_after(self, sequence: int, limit: int) -> Sequence[Row]:
        """Activities with a greater sequence number, in its order; a row has ``SEQN`` and the canonical names."""
        ...

    async def newest_activity(self) -> int:
        """The greatest sequence number there is, 0 where there is none."""
        ...
