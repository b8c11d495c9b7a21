"""What of the outgoing side may go: chosen by a reader, and removed in small steps through the writer's queue."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import msgspec

from hookstation.adapters.store import outgoing_queries as queries
from hookstation.adapters.store.sweeps import LOOK, Choice, Sweep
from hookstation.core.journal_rules import ID_SLACK, lowest_id
from hookstation.core.outgoing.delivery_rules import HOUR


def old_deliveries(reader: apsw.Connection, before: int, limit: int) -> list[str]:
    """The oldest deliveries that have ended and were created before."""
    asked = {"highest": lowest_id(before + ID_SLACK), "before": before, "limit": limit}
    rows = reader.execute(queries.OLD_ENDED, asked).fetchall()
    return sorted(str(delivery_id) for (delivery_id,) in rows)[:limit]


def old_events(reader: apsw.Connection, sweep: Sweep, before: int, limit: int) -> Choice:
    """One look for events out that occurred before and have no delivery."""
    bounds = (sweep.after, lowest_id(before + ID_SLACK), before, LOOK)
    seen = [str(event_id) for (event_id,) in reader.execute(queries.OLD_EVENTS, bounds).fetchall()]
    wanted = reader.execute(queries.WANTED, (_text(seen),)).fetchall()
    return sweep.choose(seen, {str(event_id) for (event_id,) in wanted}, limit)


def has_old_figures(reader: apsw.Connection, before: int) -> bool:
    """Whether there are figures of hours that ended before."""
    return bool(reader.execute(queries.ANY_OLD_FIGURES, (before - HOUR,)).fetchall())


def _text(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()
