"""The journal's partitions: a week of event ids each, made before they are needed.

A week is known by its number since the epoch.  Whether an id's week has a partition is remembered, so that accepting
asks nothing; the first event of a week has the next one's made too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.migrations import MIGRATING
from hookstation.core.journal_rules import lowest_id
from hookstation.errors import StoreError

WEEK: Final = 7 * 86_400 * 1_000_000
"""Microseconds in a partition."""

_DIGITS: Final = {character: value for value, character in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
_TIME_CHARACTERS: Final = 10

DATABASE_NOW: Final = "SELECT (extract(epoch FROM now()) * 1000000)::bigint"
"""The database's clock in microseconds since the epoch."""

_PARTITIONS: Final = (
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = 'events'::regclass ORDER BY c.relname"
)


def week_of(event_id: str) -> int:
    """The week that an event belongs to. Raises `StoreError` where the id does not begin with a time."""
    milliseconds = 0
    try:
        for character in event_id[:_TIME_CHARACTERS]:
            milliseconds = milliseconds * 32 + _DIGITS[character]
    except KeyError:
        raise StoreError(f"“{event_id}” is no event id: it has to begin with its time.") from None
    return milliseconds * 1000 // WEEK


def week_beginning(week: int) -> int:
    """When a week begins, in microseconds since the epoch."""
    return week * WEEK


def table_of(week: int) -> str:
    """The name of a week's partition."""
    return f"events_w{week:05d}"


class Partitions:
    """The weeks that are known to have a partition."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._present = ("", "")

    def missing(self, event_ids: Iterable[str]) -> set[int]:
        """The weeks of these events, and the ones after them, that are not known to have a partition."""
        first, end = self._present
        others = [one for one in event_ids if not first <= one < end]
        return {week for one in others for week in self._missing(one)}

    def _missing(self, event_id: str) -> set[int]:
        week = week_of(event_id)
        missing = {week, week + 1} - self._known
        if not missing:  # ids of one week need not be read again: that costs an event a microsecond
            self._present = (lowest_id(week_beginning(week)), lowest_id(week_beginning(week + 1)))
        return missing

    def forget(self) -> None:
        """Know nothing: somebody may have dropped what was known."""
        self._known.clear()
        self._present = ("", "")

    async def make(self, connection: Connection, weeks: Iterable[int]) -> None:
        """Make the partitions of these weeks that are not there, in a transaction of its own."""
        wanted = sorted(weeks)
        async with connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({MIGRATING})")
            there = set(await existing(connection))
            for week in wanted:
                if week not in there:
                    await connection.execute(_making(week))
        self._known.update(wanted)

    async def make_present(self, connection: Connection) -> None:
        """Make those of this week and the next one by the database's clock."""
        this = int(await connection.fetchval(DATABASE_NOW)) // WEEK
        await self.make(connection, (this, this + 1))


async def existing(connection: Connection) -> list[int]:
    """The weeks that have a partition, oldest first."""
    rows = await connection.fetch(_PARTITIONS)
    return [int(str(name).rpartition("_w")[2]) for (name,) in rows]


def _making(week: int) -> str:
    """Attaching an empty table takes a lock that lets others write; making it as a partition would not."""
    name, low, high = table_of(week), *(lowest_id(week_beginning(one)) for one in (week, week + 1))
    return (
        f"CREATE TABLE {name} (LIKE events INCLUDING ALL); "
        f"ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')"
    )
