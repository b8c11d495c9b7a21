"""Roll-ups and findings of the in-memory twin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import structs

from hookstation.core.detect.findings import Finding
from hookstation.core.events import Event
from hookstation.core.tallies import LAST, MINUTE, Span, Tally, add, end_name, gathered
from hookstation.errors import StoreUnavailable


class MemoryTallies:
    """Implements `ports.tallies`. Set `unavailable` to a sentence to have every change refused with it."""

    unavailable: str

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, Span, int], dict[str, int]] = {}
        self._tellers: dict[str, int] = {}
        self._findings: dict[str, Finding] = {}
        self._learned: dict[str, str] = {}

    def _newest_first(self) -> list[Event]:
        """The whole journal."""
        raise NotImplementedError

    async def add_tallies(self, tallies: Sequence[Tally], node_id: str = "", until: int = 0) -> None:
        """Add counts."""
        self._check_tallies()
        for one in tallies:
            add(self._tallies.setdefault(one.place, {}), one.counts)
        if node_id:
            self._tellers[node_id] = until

    async def list_tallies(
        self, span: Span, since: int, until: int, webhooks: Sequence[str] | None = None
    ) -> Sequence[Tally]:
        """Roll-ups, oldest first."""
        found = [
            Tally(name, of, at, dict(counts))
            for (name, of, at), counts in self._tallies.items()
            if of is span and since <= at < until and counts and (webhooks is None or name in webhooks)
        ]
        return sorted(found, key=lambda one: (one.at, one.webhook))

    async def list_tellers(self) -> Mapping[str, int]:
        """Nodes that have told, with until when."""
        return dict(self._tellers)

    async def forget_teller(self, node_id: str) -> None:
        """Everything is told that this node counted."""
        self._check_tallies()
        self._tellers.pop(node_id, None)

    async def recount(self, since: int, until: int) -> Sequence[Tally]:
        """What the journal holds of a span."""
        return gathered(_counted(one for one in self._newest_first() if since <= one.received_at < until))

    async def prune_tallies(self, hours_before: int, minutes_before: int, limit: int) -> int:
        """Delete old roll-ups."""
        self._check_tallies()
        before = {Span.HOUR: hours_before, Span.MINUTE: minutes_before, Span.EVER: 0}
        old = [place for place in sorted(self._tallies) if place[2] < before[place[1]]][:limit]
        for place in old:
            del self._tallies[place]
        return len(old)

    async def save_findings(self, findings: Sequence[Finding]) -> None:
        """Write findings."""
        self._check_tallies()
        for one in findings:
            old = self._findings.get(one.id)
            by, at = (old.dismissed_by, old.dismissed_at) if old else ("", 0)
            self._findings[one.id] = structs.replace(one, dismissed_by=by, dismissed_at=at)

    async def list_findings(self, limit: int, after: str = "", *, is_open: bool = False) -> Sequence[Finding]:
        """Findings, the latest first."""
        found = [
            one
            for finding_id, one in sorted(self._findings.items(), reverse=True)
            if (not after or finding_id < after) and not (is_open and one.closed_at)
        ]
        return found[:limit]

    async def get_finding(self, finding_id: str) -> Finding | None:
        """One finding."""
        return self._findings.get(finding_id)

    async def dismiss_finding(self, finding_id: str, who: str, at: int) -> Finding | None:
        """A person has seen to it."""
        self._check_tallies()
        one = self._findings.get(finding_id)
        if one is not None and not one.dismissed_at:
            self._findings[finding_id] = structs.replace(one, dismissed_by=who, dismissed_at=at)
        return self._findings.get(finding_id)

    async def prune_findings(self, closed_before: int, limit: int) -> int:
        """Delete findings that were closed long ago."""
        self._check_tallies()
        old = [one.id for one in self._findings.values() if 0 < one.closed_at < closed_before][:limit]
        for finding_id in old:
            del self._findings[finding_id]
        return len(old)

    async def get_learned(self, webhook: str) -> str:
        """What is remembered of a webhook."""
        return self._learned.get(webhook, "")

    async def save_learned(self, webhook: str, text: str) -> None:
        """Remember this of a webhook."""
        self._check_tallies()
        self._learned.pop(webhook, None)
        if text:
            self._learned[webhook] = text

    def _check_tallies(self) -> None:
        if self.unavailable:
            raise StoreUnavailable(self.unavailable)


def _counted(events: Iterable[Event]) -> Iterable[Tally]:
    for one in events:
        minute = one.received_at - one.received_at % MINUTE
        counts = {end_name(one.state, one.reason): 1, LAST: one.received_at}
        yield Tally(one.webhook, Span.MINUTE, minute, counts)
