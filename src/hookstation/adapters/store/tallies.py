"""Roll-ups of the SQLite driver, and what was noticed in them."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Final, cast

import apsw
import msgspec

from hookstation.adapters.store.group_commit import GroupCommit
from hookstation.adapters.store.journal_writer import Done, Unit
from hookstation.adapters.store.readers import Readers
from hookstation.core.detect.findings import Finding, Signal
from hookstation.core.events import State
from hookstation.core.journal_rules import ID_SLACK, lowest_id
from hookstation.core.tallies import LAST, MINUTE, Span, Tally, add, end_name, gathered, total

SLOT: Final = 0
"""One process writes a file, so it has one row for each roll-up."""

FINDING: Final = "id, signal, since, seen_at, closed_at, dismissed_by, dismissed_at"
_STANDING: Final = (
    "SELECT t.webhook, t.span, t.at, t.counts FROM json_each(?) k CROSS JOIN tallies t "
    "ON t.webhook = k.value ->> 0 AND t.span = k.value ->> 1 AND t.at = k.value ->> 2 AND t.slot = 0"
)
_PUT: Final = "INSERT OR REPLACE INTO tallies VALUES (?,?,?,?,?)"
_TOLD: Final = "INSERT INTO tellers VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET until = excluded.until"
_ALL: Final = (
    "SELECT webhook, at, counts FROM tallies WHERE span = ? AND at >= ? AND at < ? ORDER BY at, webhook"
)
_THESE: Final = (
    "SELECT t.webhook, t.at, t.counts FROM json_each(?4) k CROSS JOIN tallies t "
    "ON t.webhook = k.value AND t.span = ?1 AND t.at >= ?2 AND t.at < ?3 ORDER BY t.at, t.webhook"
)
_RECOUNT: Final = (
    f"SELECT webhook, received_at / {MINUTE}, state, reason, count(*), max(received_at) FROM events "
    "WHERE id >= ? AND id < ? AND received_at >= ? AND received_at < ? GROUP BY 1, 2, 3, 4"
)
_OLD: Final = "SELECT webhook, span, at, slot FROM tallies WHERE span = ? AND at < ? LIMIT ?"
_DROP: Final = "DELETE FROM tallies WHERE webhook = ? AND span = ? AND at = ? AND slot = ?"
_PUT_FINDING: Final = (
    f"INSERT INTO findings ({FINDING}) VALUES (?,?,?,?,?,'',0) ON CONFLICT (id) DO UPDATE SET "
    "signal = excluded.signal, since = excluded.since, seen_at = excluded.seen_at, closed_at = excluded.closed_at"
)
_LIST: Final = (
    f"SELECT {FINDING} FROM findings WHERE (?1 = '' OR id < ?1) AND (NOT ?2 OR closed_at = 0) "
    "ORDER BY id DESC LIMIT ?3"
)
_DISMISS: Final = "UPDATE findings SET dismissed_by = ?, dismissed_at = ? WHERE id = ? AND dismissed_at = 0"
_CLOSED: Final = "SELECT id FROM findings WHERE closed_at > 0 AND closed_at < ? LIMIT ?"

_encode: Final = msgspec.json.Encoder().encode
_counts: Final = msgspec.json.Decoder(dict[str, int]).decode
_signal: Final = msgspec.json.Decoder(Signal).decode


class SqliteTallies:
    """Implements `ports.tallies`."""

    _commits: GroupCommit[Unit, Done]
    _readers: Readers

    async def add_tallies(self, tallies: Sequence[Tally], node_id: str = "", until: int = 0) -> None:
        """Add counts."""
        work = partial(_add, tallies=gathered(tallies), node_id=node_id, until=until)
        await self._commits.run(work, brief=len(tallies) <= BRIEF)

    async def list_tallies(
        self, span: Span, since: int, until: int, webhooks: Sequence[str] | None = None
    ) -> Sequence[Tally]:
        """Roll-ups, oldest first."""
        return await self._readers.read(_list, span, since, until, webhooks)

    async def list_tellers(self) -> Mapping[str, int]:
        """Nodes that have told, with until when."""
        return self._readers.look_up(_tellers)

    async def forget_teller(self, node_id: str) -> None:
        """Everything is told that this node counted."""
        statement = "DELETE FROM tellers WHERE node = ?"
        await self._commits.run(lambda writer: writer.execute(statement, (node_id,)).fetchall(), brief=True)

    async def recount(self, since: int, until: int) -> Sequence[Tally]:
        """What the journal holds of a span."""
        return await self._readers.read(_recount, since, until)

    async def prune_tallies(self, hours_before: int, minutes_before: int, limit: int) -> int:
        """Delete old roll-ups; where there are none, the disk is left alone."""
        old = await self._readers.read(_old, hours_before, minutes_before, limit)
        if old:
            await self._commits.run(lambda writer: writer.executemany(_DROP, old))
        return len(old)

    async def save_findings(self, findings: Sequence[Finding]) -> None:
        """Write findings."""
        rows = [finding_row(one) for one in findings]
        if rows:
            await self._commits.run(lambda writer: writer.executemany(_PUT_FINDING, rows))

    async def list_findings(self, limit: int, after: str = "", *, is_open: bool = False) -> Sequence[Finding]:
        """Findings, the latest first."""
        return await self._readers.read(_findings, _LIST, (after, is_open, limit))

    async def get_finding(self, finding_id: str) -> Finding | None:
        """One finding."""
        return self._readers.look_up(_finding, finding_id)

    async def dismiss_finding(self, finding_id: str, who: str, at: int) -> Finding | None:
        """A person has seen to it."""
        await self._commits.run(
            lambda writer: writer.execute(_DISMISS, (who, at, finding_id)).fetchall(), brief=True
        )
        return self._readers.look_up(_finding, finding_id)

    async def prune_findings(self, closed_before: int, limit: int) -> int:
        """Delete findings that were closed long ago."""
        old = await self._readers.read(_closed, closed_before, limit)
        if old:
            statement = "DELETE FROM findings WHERE id = ?"
            await self._commits.run(lambda writer: writer.executemany(statement, old))
        return len(old)

    async def get_learned(self, webhook: str) -> str:
        """What is remembered of a webhook."""
        return self._readers.look_up(_learned, webhook)

    async def save_learned(self, webhook: str, text: str) -> None:
        """Remember this of a webhook."""
        statement = "INSERT OR REPLACE INTO learned VALUES (?1, ?2)"
        forget = "DELETE FROM learned WHERE webhook = ?1 AND ?2 = ''"
        await self._commits.run(
            lambda writer: writer.execute(statement if text else forget, (webhook, text)).fetchall()
        )


BRIEF: Final = 20
"""Roll-ups that are written on the event loop: a fraction of a millisecond, in which the lane waits."""


def _add(writer: apsw.Connection, tallies: Sequence[Tally], node_id: str, until: int) -> None:
    places = _encode([one.place for one in tallies]).decode()
    standing = {
        (str(webhook), span, at): _counts(str(counts).encode())
        for webhook, span, at, counts in writer.execute(_STANDING, (places,)).fetchall()
    }
    rows = [(*one.place, SLOT, counts_text(add(standing.get(one.place, {}), one.counts))) for one in tallies]
    writer.executemany(_PUT, rows)
    if node_id:
        writer.execute(_TOLD, (node_id, until)).fetchall()


def _list(
    reader: apsw.Connection, span: Span, since: int, until: int, webhooks: Sequence[str] | None
) -> list[Tally]:
    asked = (int(span), since, until)
    if webhooks is None:
        return read_tallies(span, reader.execute(_ALL, asked).fetchall())
    names = _encode(sorted(set(webhooks))).decode()
    return read_tallies(span, reader.execute(_THESE, (*asked, names)).fetchall())


def read_tallies(span: Span, rows: Iterable[Sequence[object]]) -> list[Tally]:
    """Rows of webhook, time and counts, in the order of time and webhook, a tally for all slots of one."""
    found = []
    for (webhook, at), slots in groupby(rows, lambda row: (row[0], row[1])):
        counts = total(_counts(str(row[2]).encode()) for row in slots)
        if counts:
            found.append(Tally(cast("str", webhook), span, cast("int", at), counts))
    return found


def counts_text(counts: Mapping[str, int]) -> str:
    """Counts as JSON text."""
    return _encode(counts).decode()


def _tellers(reader: apsw.Connection) -> dict[str, int]:
    rows = reader.execute("SELECT node, until FROM tellers ORDER BY node").fetchall()
    return {str(node): cast("int", until) for node, until in rows}


def _recount(reader: apsw.Connection, since: int, until: int) -> list[Tally]:
    bounds = (lowest_id(since - ID_SLACK), lowest_id(until + ID_SLACK), since, until)
    return counted(reader.execute(_RECOUNT, bounds).fetchall())


def counted(rows: Iterable[Sequence[object]]) -> list[Tally]:
    """Rows of webhook, minute, state, reason, count and last receipt as tallies of minutes."""
    found = []
    for row in rows:
        webhook, minute, state, reason, count, last = cast("tuple[str, int, str, str, int, int]", tuple(row))
        counts = {end_name(State(state), reason): count, LAST: last}
        found.append(Tally(webhook, Span.MINUTE, minute * MINUTE, counts))
    return gathered(found)


def _old(reader: apsw.Connection, hours: int, minutes: int, limit: int) -> list[tuple[str, int, int, int]]:
    found: list[tuple[str, int, int, int]] = []
    for span, before in ((Span.HOUR, hours), (Span.MINUTE, minutes)):
        rows = reader.execute(_OLD, (int(span), before, limit - len(found))).fetchall()
        found += cast("list[tuple[str, int, int, int]]", rows)
    return found


def finding_row(one: Finding) -> tuple[str, str, int, int, int]:
    """What is written of a finding."""
    return one.id, _encode(one.signal).decode(), one.since, one.seen_at, one.closed_at


def read_finding(row: Sequence[object]) -> Finding:
    """A row of `FINDING`."""
    event_id, signal, *more = row
    return Finding(str(event_id), _signal(str(signal).encode()), *more)  # type: ignore[arg-type]


def _findings(reader: apsw.Connection, statement: str, asked: tuple[str | int | bool, ...]) -> list[Finding]:
    return [read_finding(row) for row in reader.execute(statement, asked).fetchall()]


def _finding(reader: apsw.Connection, finding_id: str) -> Finding | None:
    found = _findings(reader, f"SELECT {FINDING} FROM findings WHERE id = ?", (finding_id,))
    return found[0] if found else None


def _closed(reader: apsw.Connection, before: int, limit: int) -> list[tuple[str]]:
    return cast("list[tuple[str]]", reader.execute(_CLOSED, (before, limit)).fetchall())


def _learned(reader: apsw.Connection, webhook: str) -> str:
    rows = reader.execute("SELECT document FROM learned WHERE webhook = ?", (webhook,)).fetchall()
    return str(rows[0][0]) if rows else ""
