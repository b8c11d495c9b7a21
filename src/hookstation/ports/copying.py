"""A database that is moved to another one, as rows of `core.copying`.

Both are opened by their driver's `open` for nothing else, while no station works on them.  All methods may raise
`StoreUnavailable`, in which case nothing of what was asked has been written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hookstation.core.copying import Matches, Row, Table


class CopySource(Protocol):
    """Where everything is read."""

    async def identify(self) -> str:
        """A name that no other database has. It is made when it is asked for first, and kept."""
        ...

    async def get_fact(self, name: str) -> str:
        """A small fact about this database; empty where unset."""
        ...

    async def stations(self) -> Sequence[str]:
        """Who works on it now, for people; a database that is held by one process alone has nobody else."""
        ...

    async def count(self, table: Table) -> int:
        """How many rows there are."""
        ...

    async def rows(self, table: Table, after: Row, limit: int, most_bytes: int) -> Sequence[Row]:
        """The rows after a key, in the order of their keys; none at the end.

        At most `limit`, and where these are more than about `most_bytes` large, as many as fit, at least one.
        """
        ...

    async def matches(self) -> Matches:
        """The fields that records are looked up by, for which it keeps an index."""
        ...

    async def close(self) -> None:
        """Let go of the database. Safe to call twice."""
        ...


class CopyTarget(CopySource, Protocol):
    """Where everything is written. What is written can be read like a source."""

    async def write(self, table: Table, rows: Sequence[Row], before: str, after: str) -> None:
        """Add rows, and move the fact `UNFINISHED` from `before` to `after` (empty: unset), in one transaction.

        Rows of facts and totals take the place of those with their key.
        Raises `Conflict`, and writes nothing, where that fact is not `before` any more.
        """
        ...

    async def make_ready(self, matches: Matches) -> None:
        """See that it is quick to work on: with an index for each of these that the database can keep one for."""
        ...
