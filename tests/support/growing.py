"""Sources that grow while they are asked: they change their order, repeat themselves, and fail.

Every item has a name of its own.  Several items share a value of the field that grows, and one may come under the value
that was the last one before it.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import apsw

from tests.support.receiver import Answer, Call

MOST_AT_ONCE: Final = 12
"""Items that are added in one go, at most."""

PATIENCE: Final = 10_000
"""Milliseconds that the table's own writer waits for its readers."""

FAULTS: Final = (
    Answer(503, (("Retry-After", "1"),), b"busy"),
    Answer(500, body=b"oops"),
    Answer(200, body=b'[{"key": "torn'),
    Answer(200, body=b'{"no": "list"}'),
    Answer(cut=True),
)


@dataclass
class GrowingFeed:
    """An HTTP API. `faulty`: the part of its answers that are none."""

    faulty: float = 0.3
    items: list[dict[str, object]] = field(default_factory=list)
    chance: random.Random = field(default_factory=random.Random)
    last: int = 0
    answered: int = 0
    failed: int = 0

    @property
    def keys(self) -> set[str]:
        """The names of all items."""
        return {str(one["key"]) for one in self.items}

    def grow(self) -> None:
        """Some more items, at the last moment or at the next ones."""
        for _ in range(self.chance.randint(1, MOST_AT_ONCE)):
            self.last += self.chance.random() < 0.3
            number = len(self.items)
            self.items.append({"key": f"h{number}", "memberId": str(number), "at": _moment(self.last)})

    def answer(self, call: Call) -> Answer:
        """All items from the moment on that is asked for, in any order, some of them twice."""
        if self.chance.random() < self.faulty:
            self.failed += 1
            return self.chance.choice(FAULTS)
        self.answered += 1
        since = parse_qs(urlsplit(call.path).query).get("since", [""])[0]
        found = [one for one in self.items if str(one["at"]) >= since]
        found += self.chance.sample(found, len(found) // 4)
        self.chance.shuffle(found)
        return Answer(200, (("Content-Type", "application/json"),), json.dumps({"items": found}).encode())


class GrowingTable:
    """A table in a SQLite file whose rows are changed now and then without being other ones.

    `faulty`: the part of the time in which it is not there.
    """

    def __init__(self, place: Path, faulty: float = 0.2) -> None:
        self.place, self.faulty, self.chance = place, faulty, random.Random()
        self._count = self._at = 0
        self._is_away = False
        self._database = apsw.Connection(str(place))
        self._database.setbusytimeout(PATIENCE)
        self._database.execute("CREATE TABLE orders (name TEXT PRIMARY KEY, member TEXT, changed INTEGER)")

    @property
    def keys(self) -> set[str]:
        """The names of all rows."""
        return {f"s{number}" for number in range(self._count)}

    def grow(self) -> None:
        """Some more rows, and an old one that is changed once more; now and then the table is away until then."""
        self.stay()
        with self._database:
            for _ in range(self.chance.randint(1, MOST_AT_ONCE)):
                self._at += self.chance.random() < 0.3
                row = (f"s{self._count}", str(self._count), self._at)
                self._database.execute("INSERT INTO orders VALUES (?, ?, ?)", row)
                self._count += 1
            old = (self._at, f"s{self.chance.randrange(self._count)}")
            self._database.execute("UPDATE orders SET changed = ? WHERE name = ?", old)
        if self.chance.random() < self.faulty:
            self._database.execute("ALTER TABLE orders RENAME TO aside")
            self._is_away = True

    def stay(self) -> None:
        """The table is there."""
        if self._is_away:
            self._database.execute("ALTER TABLE aside RENAME TO orders")
            self._is_away = False

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _moment(at: int) -> str:
    return f"2026-11-22T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z"
