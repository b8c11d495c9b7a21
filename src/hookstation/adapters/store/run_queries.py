"""Every fixed statement of the SQLite driver about runs and what takes turns, by name, with a sentence each."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from typing import Final

from hookstation.core.workflows.run_rules import MOST_COUNTED, WORKFLOWS
from hookstation.core.workflows.values import ENDED, RunState, WaitKind

_IDS: Final = "IN (SELECT value FROM json_each(?))"
_OPEN: Final = f"state IN ({', '.join(repr(state.value) for state in RunState if state not in ENDED)})"

# --- beginning -------------------------------------------------------------------------------------------------------

INSERT_RUN: Final = (
    "INSERT INTO runs (id, workflow, version, state, began_by, created_at, key, event_id, parent, parent_path, source, "
    "started_at, ended_at, due_at, error, hops) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
    "ON CONFLICT (id) DO NOTHING RETURNING id"
)
"""Write a run, or leave the one there alone."""

INSERT_TEXTS: Final = "INSERT INTO run_texts (run_id, answer, facts, output, input) VALUES (?,?,?,?,?)"
"""Write what a run begins with."""

# --- turns -----------------------------------------------------------------------------------------------------------

HELD_AMONG: Final = (
    "SELECT ? FROM jobs WHERE queue = ? AND id = ? AND state = 'leased' AND node = ? AND token = ?"
)
"""The first value that is bound, where the lease that follows it is its job's."""

KEEP: Final = "UPDATE jobs SET until = ? WHERE queue = ? AND id = ?"
"""Let a lease go on."""

PUT_ENTRY: Final = (
    "INSERT INTO run_entries (run_id, number, path, attempt, state, started_at, ended_at, due_at, fault, error, "
    "detail, input, output) VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM run_entries WHERE run_id = ?1), "
    "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (run_id, path, attempt) DO UPDATE SET "
    "state = excluded.state, started_at = excluded.started_at, ended_at = excluded.ended_at, due_at = excluded.due_at, "
    "fault = excluded.fault, error = excluded.error, detail = excluded.detail, input = excluded.input, "
    "output = excluded.output"
)
"""Write a try of a step, or how it stands now; it keeps its number."""

CHANGE_RUN: Final = (
    "UPDATE runs SET state = ?, started_at = coalesce(nullif(?, 0), started_at), "
    "ended_at = coalesce(nullif(?, 0), ended_at), due_at = coalesce(nullif(?, 0), due_at), "
    "error = coalesce(?, error) WHERE id = ?"
)
"""Write how a run stands; a moment that is 0 stays as it was, and so does a text that is null."""

CHANGE_TEXTS: Final = (
    "UPDATE run_texts SET output = coalesce(?, output), answer = coalesce(?, answer) WHERE run_id = ?"
)
"""Write what a run put out."""

# --- signals and waits -----------------------------------------------------------------------------------------------

INSERT_SIGNAL: Final = (
    "INSERT INTO run_signals SELECT id, ?2, ?3, ?4, ?5 FROM runs "
    f"WHERE id = ?1 AND {_OPEN} ON CONFLICT DO NOTHING RETURNING run_id, path"
)
"""Keep what came for an open run, where it is the first for its path."""

COUNT_SIGNALS: Final = "SELECT count(*) FROM run_signals WHERE run_id = ?"
"""How many signals a run has."""

PUT_WAIT: Final = "INSERT OR REPLACE INTO run_waits VALUES (?,?,?,?,?,?,?)"
"""Say what a step waits for from now on."""

DROP_WAIT: Final = "DELETE FROM run_waits WHERE run_id = ? AND path = ?"
"""A step waits for nobody any more."""

ANY_WAIT: Final = "SELECT 1 FROM run_waits LIMIT 1"
"""Whether any step of any run waits."""

DROP_WAITS: Final = f"DELETE FROM run_waits WHERE run_id {_IDS}"
"""Runs wait for nobody any more."""

WAIT_COLUMNS: Final = "run_id, path, kind, digest, expires_at, person, title"

FIND_WAIT: Final = f"SELECT {WAIT_COLUMNS} FROM run_waits WHERE digest = ?"
"""What waits for the call with a token."""

WAITS_OF_RUN: Final = f"SELECT {WAIT_COLUMNS} FROM run_waits WHERE run_id = ? ORDER BY path"
"""What waits in a run."""

WAITS_FOR_PEOPLE: Final = (
    f"SELECT {WAIT_COLUMNS} FROM run_waits WHERE kind = '{WaitKind.APPROVAL.value}' ORDER BY run_id, path"
)
"""What waits for anybody's decision."""

WAITS_FOR_ONE: Final = (
    f"SELECT {WAIT_COLUMNS} FROM run_waits WHERE kind = '{WaitKind.APPROVAL.value}' AND person = ? "
    "ORDER BY run_id, path"
)
"""What waits for a person's decision."""

LIST_SIGNALS: Final = (
    "SELECT run_id, path, at, payload, who FROM run_signals WHERE run_id = ? ORDER BY at, path"
)
"""Everything that came for a run."""

# --- what work keeps -------------------------------------------------------------------------------------------------

PUT_KEPT: Final = "INSERT OR REPLACE INTO kept VALUES (?,?,?,?)"
"""Keep a small value."""

DROP_EMPTY: Final = "DELETE FROM kept WHERE kind = ? AND name = ? AND key = ? AND value = ''"
"""A value that became empty is none."""

GET_KEPT: Final = "SELECT key, value FROM kept WHERE kind = ? AND name = ? ORDER BY key"
"""Everything that one thing keeps."""

DROP_PENDING: Final = f"DELETE FROM pending_hashes WHERE run_id {_IDS}"
"""Forget the hashes of the rows that runs saw."""

ADD_SUCCESS: Final = (
    "INSERT INTO standings VALUES (?1, ?2, 0, ?3, 0, 0, '') "
    "ON CONFLICT (kind, name) DO UPDATE SET failures = 0, succeeded_at = excluded.succeeded_at, "
    "why = iif(off, why, '')"
)
"""A run that a thing had begun went well."""

ADD_FAILURE: Final = (
    "INSERT INTO standings VALUES (?1, ?2, 1, 0, ?3, 0, ?4) ON CONFLICT (kind, name) DO UPDATE "
    "SET failures = failures + 1, failed_at = excluded.failed_at, why = excluded.why"
)
"""A run that a thing had begun failed."""

PUT_STANDING: Final = "INSERT OR REPLACE INTO standings VALUES (?,?,?,?,?,?,?)"
"""Say how a thing stands."""

STANDINGS: Final = "SELECT * FROM standings WHERE kind = ? ORDER BY name"
"""How the things of a kind stand."""

# --- cancelling ------------------------------------------------------------------------------------------------------

OPEN_FAMILIES: Final = (
    "WITH RECURSIVE f (id, event_id, parent, path) AS ("
    f"SELECT id, event_id, parent, parent_path FROM runs WHERE id {_IDS} AND {_OPEN} UNION "
    "SELECT r.id, r.event_id, r.parent, r.parent_path FROM f CROSS JOIN runs AS r "
    f"ON r.parent = f.id AND r.parent <> '' WHERE r.{_OPEN}) SELECT id, event_id, parent, path FROM f ORDER BY id"
)
"""Those of some runs that are not at their end, and of the runs that they began: event, parent, and what waits."""

CANCEL: Final = (
    f"UPDATE runs SET state = '{RunState.CANCELLED.value}', ended_at = ?, error = ? WHERE id {_IDS}"
)
"""End runs."""

# --- reading ---------------------------------------------------------------------------------------------------------

_SHORT: Final = (
    "r.id, r.workflow, r.version, r.state, r.began_by, r.created_at, {input}, {facts}, r.key, r.event_id, r.parent, "
    "r.parent_path, r.source, r.started_at, r.ended_at, r.due_at, r.error, {output}, t.answer, r.hops"
)
_WHOLE: Final = _SHORT.format(input="t.input", facts="t.facts", output="t.output")
_SHOWN: Final = _SHORT.format(input="'null'", facts="'{}'", output="''")

GET_RUN: Final = f"SELECT {_WHOLE} FROM runs AS r JOIN run_texts AS t ON t.run_id = r.id WHERE r.id = ?"
"""One run."""

SHOWN_AMONG: Final = (
    f"SELECT {_SHOWN} FROM json_each(?) AS i CROSS JOIN runs AS r ON r.id = i.value "
    "CROSS JOIN run_texts AS t ON t.run_id = r.id ORDER BY r.id DESC"
)
"""Runs by their ids, newest first, without what may be long."""

ENTRY_COLUMNS: Final = (
    "e.path, e.state, e.attempt, e.number, e.started_at, e.ended_at, e.input, e.output, e.error, e.fault, e.due_at, "
    "e.detail"
)

LATEST: Final = (
    "NOT EXISTS (SELECT 1 FROM run_entries AS l "
    "WHERE l.run_id = e.run_id AND l.path = e.path AND l.attempt > e.attempt)"
)
"""Whether a try is the latest one of its path."""

ENTRIES_OF_RUN: Final = (
    f"SELECT e.run_id, {ENTRY_COLUMNS} FROM run_entries AS e WHERE e.run_id = ? AND {LATEST} "
    "ORDER BY e.number"
)
"""The latest try of each path of a run."""

_NEXT_WORKFLOW: Final = "(SELECT r.workflow FROM runs AS r{} ORDER BY r.workflow LIMIT 1)"
_COUNTED: Final = "\nUNION ALL ".join(
    f"SELECT n.workflow, '{state.value}', (SELECT count(*) FROM (SELECT 1 FROM runs AS r "
    f"WHERE r.workflow = n.workflow AND r.state = '{state.value}' LIMIT {MOST_COUNTED})) FROM n "
    "WHERE n.workflow IS NOT NULL"
    for state in RunState
    if state not in ENDED
)

FIGURES: Final = (
    f"WITH RECURSIVE n (workflow) AS (SELECT {_NEXT_WORKFLOW.format('')} UNION ALL "
    f"SELECT {_NEXT_WORKFLOW.format(' WHERE r.workflow > n.workflow')} FROM n WHERE n.workflow IS NOT NULL) "
    f"{_COUNTED} UNION ALL SELECT n.workflow, '', 0 FROM n WHERE n.workflow IS NOT NULL UNION ALL "
    "SELECT workflow, state, count(*) FROM runs WHERE ended_at >= ? AND ended_at > 0 GROUP BY workflow, state"
)
"""How many runs each workflow has: open ones by state, and those that ended since."""

# --- pruning ---------------------------------------------------------------------------------------------------------

OLD_ENDED: Final = "SELECT id FROM runs WHERE ended_at > 0 AND ended_at < ? ORDER BY ended_at, id LIMIT ?"
"""The runs that ended first."""

STILL_OLD: Final = f"SELECT id FROM runs WHERE id {_IDS} AND ended_at > 0 AND ended_at < ?"
"""Those of some runs that ended before."""

DROP_ENTRIES: Final = (
    "DELETE FROM run_entries WHERE rowid IN (SELECT e.rowid FROM json_each(?) AS i "
    "CROSS JOIN run_entries AS e ON e.run_id = i.value LIMIT ?)"
)
"""Forget some entries of runs."""

DROP_RUNS: Final = (
    DROP_WAITS,
    DROP_PENDING,
    f"DELETE FROM run_signals WHERE run_id {_IDS}",
    f"DELETE FROM run_texts WHERE run_id {_IDS}",
    f"DELETE FROM runs WHERE id {_IDS}",
)
"""Forget runs, with all that hangs on them but their entries."""

DROP_LEFT_VERSIONS: Final = (
    "DELETE FROM workflow_versions WHERE NOT EXISTS (SELECT 1 FROM things AS t "
    f"WHERE t.kind = '{WORKFLOWS}' AND t.name = workflow_versions.name) "
    "AND NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.workflow = workflow_versions.name)"
)
"""Forget the versions of workflows that are gone, and of which no run is there."""

# --- versions --------------------------------------------------------------------------------------------------------

_VERSION: Final = "name, number, at, author, note"

NEXT_VERSION: Final = (
    "INSERT INTO workflow_numbers VALUES (?, 1) "
    "ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last"
)
"""The number of a workflow's next version."""

INSERT_VERSION: Final = (
    "INSERT INTO workflow_versions (name, number, at, author, note, document) VALUES (?,?,?,?,?,?)"
)
"""Keep a version."""

TRIM_VERSIONS: Final = (
    "DELETE FROM workflow_versions WHERE name = ?1 AND number <= ?2 AND number NOT IN "
    f"(SELECT version FROM runs WHERE workflow = ?1 AND {_OPEN})"
)
"""Forget old versions that no open run needs."""

NEWEST_VERSIONS: Final = (
    "SELECT n.name, n.last FROM workflow_numbers AS n "
    f"JOIN things AS t ON t.kind = '{WORKFLOWS}' AND t.name = n.name"
)
"""The number of each workflow's newest version."""

GET_VERSION: Final = f"SELECT {_VERSION}, document FROM workflow_versions WHERE name = ? AND number = ?"
"""One version."""

NEWEST_VERSION: Final = (
    f"SELECT {_VERSION}, document FROM workflow_versions WHERE name = ? ORDER BY number DESC LIMIT 1"
)
"""The newest version."""

LIST_VERSIONS: Final = (
    f"SELECT {_VERSION} FROM workflow_versions WHERE name = ?1 AND (?2 = 0 OR number < ?2) "
    "ORDER BY number DESC LIMIT ?3"
)
"""Versions, the newest first."""
