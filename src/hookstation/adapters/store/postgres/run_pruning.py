"""Pruning of runs, the first ended first, in small steps. Several nodes may do so at once."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from typing import Final

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.run_lists import WORKFLOWS
from hookstation.core.workflows.values import ENDED

STEP: Final = 100
"""Runs that go in one transaction."""

OLDEST: Final = (
    f"SELECT found.id FROM {WORKFLOWS} n, unnest($1::text[]) u(state), LATERAL (SELECT r.id, r.ended_at FROM runs r "
    "WHERE r.workflow = n.name AND r.state = u.state AND r.ended_at > 0 AND r.ended_at < $2 "
    "AND NOT EXISTS (SELECT FROM pending_hashes h WHERE h.run_id = r.id) ORDER BY r.ended_at, r.id LIMIT $3) found "
    "ORDER BY found.ended_at, found.id LIMIT $3"
)
"""The runs that ended first, but for those whose hashes are still to be brought over."""

GOING: Final = "SELECT id, workflow FROM runs WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE SKIP LOCKED"
"""Those that nobody else deletes just now."""

_DROPS: Final = (
    "DELETE FROM run_entries WHERE run_id = ANY($1::text[])",
    "DELETE FROM run_signals WHERE run_id = ANY($1::text[])",
    "DELETE FROM run_waits WHERE run_id = ANY($1::text[])",
    "DELETE FROM runs WHERE id = ANY($1::text[])",
)

DROP_VERSIONS: Final = (
    "DELETE FROM workflow_versions v WHERE v.name = ANY($1::text[]) "
    "AND NOT EXISTS (SELECT FROM things t WHERE t.kind = 'workflows' AND t.name = v.name) "
    "AND NOT EXISTS (SELECT FROM runs r WHERE r.workflow = v.name)"
)
"""Forget versions of workflows that are gone, and of which no run is left."""


async def prune(connection: Connection, before: int, limit: int) -> int:
    """One step: delete runs that ended first, with their history."""
    found = await connection.fetch(OLDEST, [state.value for state in ENDED], before, limit)
    going = await connection.fetch(GOING, sorted(str(run_id) for (run_id,) in found))
    ids = [str(run_id) for run_id, _ in going]
    if ids:
        for statement in _DROPS:
            await connection.execute(statement, ids)
        await connection.execute(DROP_VERSIONS, sorted({str(workflow) for _, workflow in going}))
    return len(ids)
