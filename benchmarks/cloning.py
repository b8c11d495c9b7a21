"""The rows of one event that the station wrote itself, as templates for more of the same.

Rows are handled by the names of their columns, and what is not named here is copied: the benchmarks write what the
station writes, whatever its tables hold this week.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import apsw

TABLES: Final = ("events", "payloads", "marks", "records")
ROWS_OF: Final = {
    "events": "SELECT * FROM events WHERE id = ?",
    "payloads": "SELECT * FROM payloads WHERE no = (SELECT payload_no FROM events WHERE id = ?)",
    "marks": "SELECT * FROM marks WHERE event_id = ?",
    "records": "SELECT * FROM records WHERE event_id = ?",
}
Value = None | int | float | str | bytes
Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Template:
    """One event's row in each table, by column."""

    rows: Mapping[str, Row]

    def insert(self, table: str, changed: Mapping[str, str], source: str) -> tuple[str, Row]:
        """A statement that copies this row for each row of `source`, and its bindings.

        `changed`: expressions over `source` and the row's own values for the columns that differ from copy to copy.
        """
        row = self.rows[table]
        values = ", ".join(changed.get(name, f":{name}") for name in row)
        return f"INSERT INTO {table} ({', '.join(row)}) SELECT {values} FROM {source}", row


def newest_event(connection: apsw.Connection) -> Template:
    """The newest event of a station's database that wrote a built-in record."""
    found = connection.execute(
        "SELECT id FROM events WHERE state = 'succeeded' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if found is None:
        raise ValueError("the journal holds no event to copy: call its webhook first")
    return Template({table: _row(connection, table, str(found[0])) for table in TABLES})


def _row(connection: apsw.Connection, table: str, event_id: str) -> Row:
    cursor = connection.execute(ROWS_OF[table], (event_id,))
    names = [str(column[0]) for column in cursor.get_description()]
    [values] = cursor.fetchall()
    return dict(zip(names, values, strict=True))
