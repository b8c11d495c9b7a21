"""Roll-ups in a file: read by an index, and left alone where there is nothing to do."""

from __future__ import annotations

from pathlib import Path

import apsw

from hookstation.adapters.store import tallies
from hookstation.adapters.store.sqlite import open_sqlite


def plan(connection: apsw.Connection, sql: str, *asked: object) -> str:
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", asked, can_cache=False).fetchall()
    return "; ".join(str(row[3]) for row in rows)


async def test_reading_walks_an_index(tmp_path: Path) -> None:
    """A span of all webhooks, of some, and the journal's part that is counted again: nothing is read whole."""
    store = await open_sqlite(tmp_path / "hookstation.db")
    reader = store._handles.near
    plans = [
        plan(reader, tallies._ALL, 1, 0, 9),
        plan(reader, tallies._THESE, 1, 0, 9, '["a"]'),
        plan(reader, tallies._STANDING, "[]"),
        plan(reader, tallies._RECOUNT, "A", "B", 0, 9),
    ]
    await store.close()

    assert ["tallies_by_time (span=? AND at>? AND at<?)" in plans[0], "TEMP B-TREE" in plans[0]] == [
        True,
        False,
    ]
    assert "SEARCH t USING PRIMARY KEY (webhook=? AND span=? AND at>? AND at<?)" in plans[1]
    assert "SEARCH t USING PRIMARY KEY (webhook=? AND span=? AND at=? AND slot=?)" in plans[2]
    assert "SEARCH events USING PRIMARY KEY (id>? AND id<?)" in plans[3]


async def test_pruning_nothing_writes_nothing(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "hookstation.db")
    before = store._handles.writer.total_changes()
    gone = await store.prune_tallies(10**17, 10**17, 100) + await store.prune_findings(10**17, 100)
    after = store._handles.writer.total_changes()
    await store.close()

    assert (0, before) == (gone, after)
