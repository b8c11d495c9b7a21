"""What a node remembers of the records database: the numbers of entities, and record numbers that it drew."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping

from hookstation.adapters.store.postgres import queries
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.migrations import MIGRATING
from hookstation.adapters.store.postgres.rows import kept


class Numbering:
    """Numbers that were drawn from an entity's sequence and not used are used next: a sequence gives none twice."""

    def __init__(self) -> None:
        self._entities: dict[str, int] = {}
        self._spare: dict[int, list[int]] = {}

    def unknown(self, names: Iterable[str]) -> set[str]:
        """The entities among these whose numbers are not known."""
        return set(names) - self._entities.keys()

    def number(self, name: str) -> int:
        """The number of an entity that is known."""
        return self._entities[name]

    async def find(self, connection: Connection, name: str) -> int | None:
        """An entity's number, or ``None`` where nobody has numbered it."""
        if name not in self._entities:
            number = await connection.fetchval(queries.GET_ENTITY, kept(name))
            if number is None:
                return None
            self._entities[name] = int(number)
        return self._entities[name]

    async def learn(self, connection: Connection, names: Iterable[str]) -> None:
        """Know these entities; new ones are numbered and get a sequence, in a transaction of their own."""
        for name in sorted(names):
            if await self.find(connection, name) is not None:
                continue
            async with connection.transaction():
                await connection.execute(f"SELECT pg_advisory_xact_lock({MIGRATING})")
                number = await connection.fetchval(queries.ADD_ENTITY, kept(name))
                if number is not None:
                    await connection.execute(f"CREATE SEQUENCE {_sequence(int(number))}")
            await self.find(connection, name)

    async def draw(self, connection: Connection, wanted: Mapping[int, int]) -> dict[int, list[int]]:
        """As many record numbers of each entity as are wanted, in ascending order."""
        drawn: dict[int, list[int]] = {}
        for entity, count in wanted.items():
            spare = self._spare.pop(entity, [])
            drawn[entity], self._spare[entity] = spare[:count], spare[count:]
            if missing := count - len(drawn[entity]):
                rows = await connection.fetch(
                    f"SELECT nextval('{_sequence(entity)}') FROM generate_series(1, $1)", missing
                )
                drawn[entity] += (int(number) for (number,) in rows)
        return drawn

    def forget_spare(self) -> None:
        """Trust no number that was drawn and not used: a server that crashed may give it a second time.

        What a sequence gave is safe from a crash only once a later transaction has been committed.
        """
        self._spare.clear()

    def give_back(self, entity: int, numbers: Iterable[int]) -> None:
        """Take numbers that no record has got."""
        spare = self._spare.setdefault(entity, [])
        for number in numbers:
            insort(spare, number)


def _sequence(entity: int) -> str:
    return f"record_numbers_{entity}"
