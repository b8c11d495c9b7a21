"""Roll-ups of the PostgreSQL driver, and what was noticed in them."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.rows import columns, kept, told
from hookstation.adapters.store.postgres.sessions import Sessions
from hookstation.adapters.store.tallies import (
    FINDING,
    counted,
    counts_text,
    finding_row,
    read_finding,
    read_tallies,
)
from hookstation.core.detect.findings import Finding
from hookstation.core.journal_rules import ID_SLACK, lowest_id
from hookstation.core.tallies import MINUTE, Span, Tally, add, gathered

_PLACES: Final = "unnest($1::text[], $2::smallint[], $3::bigint[]) p(webhook, span, at)"
_MAKE: Final = (
    f"INSERT INTO tallies SELECT webhook, span, at, $4, '{{}}' FROM {_PLACES} ORDER BY 1, 2, 3 "
    "ON CONFLICT DO NOTHING"
)
_STANDING: Final = (
    f"SELECT t.webhook, t.span, t.at, t.counts FROM {_PLACES} JOIN tallies t USING (webhook, span, at) "
    "WHERE t.slot = $4 ORDER BY t.webhook, t.span, t.at FOR UPDATE OF t"
)
_PUT: Final = (
    "UPDATE tallies t SET counts = u.counts "
    "FROM unnest($1::text[], $2::smallint[], $3::bigint[], $5::text[]) u(webhook, span, at, counts) "
    "WHERE t.webhook = u.webhook AND t.span = u.span AND t.at = u.at AND t.slot = $4"
)
_TOLD: Final = "INSERT INTO tellers VALUES ($1, $2) ON CONFLICT (node) DO UPDATE SET until = excluded.until"
_LIST: Final = "SELECT webhook, at, counts FROM tallies WHERE span = $1 AND at >= $2 AND at < $3"
_ORDER: Final = " ORDER BY at, webhook"
_RECOUNT: Final = (
    f"SELECT webhook, received_at / {MINUTE}, state, reason, count(*), max(received_at) FROM events "
    "WHERE id >= $1 AND id < $2 AND received_at >= $3 AND received_at < $4 GROUP BY 1, 2, 3, 4"
)
_PRUNE: Final = (
    "WITH gone AS (DELETE FROM tallies t USING "
    "(SELECT webhook, span, at, slot FROM tallies WHERE span = $1 AND at < $2 LIMIT $3) o "
    "WHERE (t.webhook, t.span, t.at, t.slot) = (o.webhook, o.span, o.at, o.slot) RETURNING 1) "
    "SELECT count(*) FROM gone"
)
_PUT_FINDINGS: Final = (
    "INSERT INTO findings SELECT id, signal, since, seen_at, closed_at, '', 0 "
    "FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) "
    "u(id, signal, since, seen_at, closed_at) ON CONFLICT (id) DO UPDATE SET "
    "signal = excluded.signal, since = excluded.since, seen_at = excluded.seen_at, closed_at = excluded.closed_at"
)
_LIST_FINDINGS: Final = (
    f"SELECT {FINDING} FROM findings WHERE ($1 = '' OR id < $1) AND (NOT $2 OR closed_at = 0) "
    "ORDER BY id DESC LIMIT $3"
)
_GET_FINDING: Final = f"SELECT {FINDING} FROM findings WHERE id = $1"
_DISMISS: Final = (
    "UPDATE findings SET dismissed_by = $2, dismissed_at = $3 WHERE id = $1 AND dismissed_at = 0"
)
_PRUNE_FINDINGS: Final = (
    "WITH gone AS (DELETE FROM findings WHERE id IN "
    "(SELECT id FROM findings WHERE closed_at > 0 AND closed_at < $1 LIMIT $2) RETURNING 1) SELECT count(*) FROM gone"
)
_LEARN: Final = (
    "INSERT INTO learned VALUES ($1, $2) ON CONFLICT (webhook) DO UPDATE SET document = excluded.document"
)

_counts: Final = msgspec.json.Decoder(dict[str, int]).decode


class PostgresTallies:
    """Implements `ports.tallies`."""

    _sessions: Sessions
    _slot: int

    async def add_tallies(self, tallies: Sequence[Tally], node_id: str = "", until: int = 0) -> None:
        """Add counts to the rows of this process's slot."""
        work = partial(_add, tallies=gathered(tallies), slot=self._slot, node_id=node_id, until=until)
        await self._sessions.change(work)

    async def list_tallies(
        self, span: Span, since: int, until: int, webhooks: Sequence[str] | None = None
    ) -> Sequence[Tally]:
        """Roll-ups of all slots, oldest first."""
        return await self._sessions.read(_list, span, since, until, webhooks)

    async def list_tellers(self) -> Mapping[str, int]:
        """Nodes that have told, with until when."""
        return await self._sessions.read(_tellers)

    async def forget_teller(self, node_id: str) -> None:
        """Everything is told that this node counted."""
        statement = "DELETE FROM tellers WHERE node = $1"
        await self._sessions.change(lambda connection: connection.execute(statement, node_id))

    async def recount(self, since: int, until: int) -> Sequence[Tally]:
        """What the journal holds of a span."""
        return await self._sessions.read(_recount, since, until)

    async def prune_tallies(self, hours_before: int, minutes_before: int, limit: int) -> int:
        """Delete old roll-ups."""
        gone = await self._sessions.read(_prune, Span.HOUR, hours_before, limit)
        return gone + await self._sessions.read(_prune, Span.MINUTE, minutes_before, limit - gone)

    async def save_findings(self, findings: Sequence[Finding]) -> None:
        """Write findings."""
        rows = columns([finding_row(one) for one in sorted(findings, key=lambda one: one.id)], 5)
        await self._sessions.change(lambda connection: connection.execute(_PUT_FINDINGS, *rows))

    async def list_findings(self, limit: int, after: str = "", *, is_open: bool = False) -> Sequence[Finding]:
        """Findings, the latest first."""
        return await self._sessions.read(_findings, after, is_open, limit)

    async def get_finding(self, finding_id: str) -> Finding | None:
        """One finding."""
        return await self._sessions.read(_finding, finding_id)

    async def dismiss_finding(self, finding_id: str, who: str, at: int) -> Finding | None:
        """A person has seen to it."""
        await self._sessions.change(
            lambda connection: connection.execute(_DISMISS, finding_id, kept(who), at)
        )
        return await self._sessions.read(_finding, finding_id)

    async def prune_findings(self, closed_before: int, limit: int) -> int:
        """Delete findings that were closed long ago."""
        return int(
            await self._sessions.read(
                lambda connection: connection.fetchval(_PRUNE_FINDINGS, closed_before, limit)
            )
        )

    async def get_learned(self, webhook: str) -> str:
        """What is remembered of a webhook."""
        statement = "SELECT document FROM learned WHERE webhook = $1"
        found = await self._sessions.read(lambda connection: connection.fetchval(statement, kept(webhook)))
        return str(found or "")

    async def save_learned(self, webhook: str, text: str) -> None:
        """Remember this of a webhook."""
        change = (
            (_LEARN, kept(webhook), text)
            if text
            else ("DELETE FROM learned WHERE webhook = $1", kept(webhook))
        )
        await self._sessions.change(lambda connection: connection.execute(*change))


async def _add(connection: Connection, tallies: Sequence[Tally], slot: int, node_id: str, until: int) -> None:
    names = [kept(one.webhook) for one in tallies]
    spans, times = [int(one.span) for one in tallies], [one.at for one in tallies]
    await connection.execute(_MAKE, names, spans, times, slot)
    standing = {
        (told(webhook), span, at): _counts(counts.encode())
        for webhook, span, at, counts in await connection.fetch(_STANDING, names, spans, times, slot)
    }
    counts = [counts_text(add(standing.get(one.place, {}), one.counts)) for one in tallies]
    await connection.execute(_PUT, names, spans, times, slot, counts)
    if node_id:
        await connection.execute(_TOLD, node_id, until)


async def _list(
    connection: Connection, span: Span, since: int, until: int, webhooks: Sequence[str] | None
) -> list[Tally]:
    asked = (int(span), since, until)
    if webhooks is None:
        rows = await connection.fetch(_LIST + _ORDER, *asked)
    else:
        names = [kept(name) for name in set(webhooks)]
        rows = await connection.fetch(f"{_LIST} AND webhook = ANY($4::text[]){_ORDER}", *asked, names)
    return read_tallies(span, [(told(webhook), at, counts) for webhook, at, counts in rows])


async def _tellers(connection: Connection) -> dict[str, int]:
    rows = await connection.fetch("SELECT node, until FROM tellers ORDER BY node")
    return {row["node"]: row["until"] for row in rows}


async def _recount(connection: Connection, since: int, until: int) -> list[Tally]:
    rows = await connection.fetch(
        _RECOUNT, lowest_id(since - ID_SLACK), lowest_id(until + ID_SLACK), since, until
    )
    return counted([(told(row[0]), row[1], row[2], told(row[3]), *row[4:]) for row in rows])


async def _prune(connection: Connection, span: Span, before: int, limit: int) -> int:
    return int(await connection.fetchval(_PRUNE, int(span), before, limit))


async def _findings(connection: Connection, after: str, is_open: bool, limit: int) -> list[Finding]:
    return [_read(row) for row in await connection.fetch(_LIST_FINDINGS, after, is_open, limit)]


async def _finding(connection: Connection, finding_id: str) -> Finding | None:
    row = await connection.fetchrow(_GET_FINDING, kept(finding_id))
    return None if row is None else _read(row)


def _read(row: Iterable[object]) -> Finding:
    found = read_finding(tuple(row))
    return msgspec.structs.replace(found, dismissed_by=told(found.dismissed_by))
