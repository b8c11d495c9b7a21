"""The part of the database that says how things go: roll-ups of calls, and what was noticed in them.

A driver passes the cases of `hookstation.testing.store_cases.tallying`.  All methods may raise `StoreUnavailable`, in
which case nothing of what was asked has been written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from hookstation.core.detect.findings import Finding
from hookstation.core.tallies import Span, Tally


class Tallies(Protocol):
    """Roll-ups. Reading them never touches the journal; only `recount` does."""

    async def add_tallies(self, tallies: Sequence[Tally], node_id: str = "", until: int = 0) -> None:
        """Add counts, in one transaction; nodes that do so at the same time do not wait for each other.

        `node_id`, where it is given, has told with this all that it counted before `until` (microseconds).
        """
        ...

    async def list_tallies(
        self, span: Span, since: int, until: int, webhooks: Sequence[str] | None = None
    ) -> Sequence[Tally]:
        """Roll-ups that begin from `since` on and before `until`, of these webhooks (``None``: all), oldest first.

        Of one time they are in the order of the webhooks' names.  `STATION` is one of them.
        """
        ...

    async def list_tellers(self) -> Mapping[str, int]:
        """Nodes that have told what they counted, with until when."""
        ...

    async def forget_teller(self, node_id: str) -> None:
        """Everything is told that this node counted."""
        ...

    async def recount(self, since: int, until: int) -> Sequence[Tally]:
        """What the journal holds of events received in a span, by webhook and minute: how they stand, and the last.

        It reads them all: ask for little at a time.
        """
        ...

    async def prune_tallies(self, hours_before: int, minutes_before: int, limit: int) -> int:
        """Delete at most `limit` roll-ups that begin before these times; returns how many went."""
        ...


class Findings(Protocol):
    """What was noticed, and what is remembered for noticing."""

    async def save_findings(self, findings: Sequence[Finding]) -> None:
        """Write findings, over those with their ids; who has dismissed one stays as it is."""
        ...

    async def list_findings(self, limit: int, after: str = "", *, is_open: bool = False) -> Sequence[Finding]:
        """Findings, the latest first, keyset paged by id; `is_open`: only those that are not closed."""
        ...

    async def get_finding(self, finding_id: str) -> Finding | None:
        """One finding."""
        ...

    async def dismiss_finding(self, finding_id: str, who: str, at: int) -> Finding | None:
        """A person has seen to it; ``None`` where there is none. The first one who says so stands."""
        ...

    async def prune_findings(self, closed_before: int, limit: int) -> int:
        """Delete at most `limit` findings that were closed before this time; returns how many went."""
        ...

    async def get_learned(self, webhook: str) -> str:
        """What is remembered of a webhook, as it was kept; empty where nothing is."""
        ...

    async def save_learned(self, webhook: str, text: str) -> None:
        """Remember this of a webhook; an empty text forgets it."""
        ...
