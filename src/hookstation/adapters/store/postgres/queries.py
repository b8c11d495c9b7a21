"""Every fixed statement of the PostgreSQL driver, by name, with a sentence each.

What writes takes arrays, a column each, so that a batch is one statement a table.  New events and records, which meet
nobody's rows, go in by COPY: it costs the node half as much, and the server less.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from typing import Final


def _arrays(*types: str) -> str:
    return "unnest(" + ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(types, 1)) + ")"


# --- accepting -------------------------------------------------------------------------------------------------------

EVENT_TABLE: Final = (
    "id", "webhook", "state", "received_at", "sender", "size", "answer_status", "answer_body", "error", "reason",
    "connection", "entity", "record_key", "run_id", "settled_at", "started_at", "attempts", "timings", "headers",
    "query", "dedup_key", "body_digest", "body",
)  # fmt: skip
"""Columns of a new event; what they hold goes in by COPY."""

TAKE_MARKS: Final = (
    f"INSERT INTO marks SELECT * FROM {_arrays('bytea', 'text', 'bigint')} "
    "ON CONFLICT (digest) DO NOTHING RETURNING digest"
)
"""Take dedup keys that have no mark; waits for whoever takes one at this moment."""

HELD_MARKS: Final = (
    "SELECT m.digest, m.event_id, m.expires_at, e.dedup_key, e.body_digest, e.state, e.run_id, e.answer_status, "
    "e.answer_body FROM marks m LEFT JOIN events e ON e.id = m.event_id WHERE m.digest = ANY($1::bytea[])"
)
"""Who holds these keys, and how their events stand."""

TAKE_OVER_MARK: Final = (
    "UPDATE marks SET event_id = $2, expires_at = $3 WHERE digest = $1 AND event_id = $4 AND expires_at = $5"
)
"""Take a key whose mark is dead, if nobody else has done so meanwhile."""

EXTEND_MARKS: Final = (
    f"UPDATE marks m SET expires_at = u.until FROM {_arrays('bytea', 'text', 'bigint')} u(digest, holder, until) "
    "WHERE m.digest = u.digest AND m.event_id = u.holder"
)
"""Let the keys that these events hold be held until another time."""

FREE_MARKS: Final = (
    f"DELETE FROM marks m USING {_arrays('bytea', 'text')} u(digest, holder) "
    "WHERE m.digest = u.digest AND m.event_id = u.holder"
)
"""Give back the keys that these events hold."""

FIND_MARK: Final = (
    "SELECT e.dedup_key, e.body_digest, e.id, e.state, m.expires_at, e.run_id, e.answer_status, e.answer_body "
    "FROM marks m JOIN events e ON e.id = m.event_id WHERE m.digest = $1 AND m.expires_at > $2"
)
"""The live mark of a key, with the state and the answer of the event that holds it."""

ADD_TOTALS: Final = (
    f"WITH moved AS (INSERT INTO totals SELECT * FROM {_arrays('text', 'integer', 'bigint')} "
    "ON CONFLICT (name, slot) DO UPDATE SET value = totals.value + excluded.value) "
    "SELECT pg_current_xact_id()::text"
)
"""Move roll-ups, and say which transaction this is."""

# --- finishing -------------------------------------------------------------------------------------------------------

EVENTS_TO_FINISH: Final = (
    "SELECT id, webhook, state, attempts, started_at, settled_at, error, record_key, dedup_key, received_at, reason "
    "FROM events WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
)
"""What finishing has to know of events, which nobody else may finish meanwhile."""

_FINISH_TYPES: Final = (
    "text", "text", "integer", "bytea", "text", "text", "text", "bigint", "bigint", "integer", "text", "text", "text",
    "text", "bytea",
)  # fmt: skip

FINISH_EVENTS: Final = (
    "UPDATE events e SET state = u.state, answer_status = u.status, answer_body = u.body, error = u.error, "
    "record_key = u.record_key, reason = u.reason, settled_at = u.settled_at, started_at = u.started_at, "
    "attempts = u.attempts, run_id = coalesce(nullif(u.run_id, ''), e.run_id), "
    "connection = coalesce(nullif(u.connection, ''), e.connection), entity = coalesce(nullif(u.entity, ''), e.entity), "
    "dedup_key = coalesce(u.dedup_key, e.dedup_key), "
    f"body_digest = CASE WHEN u.dedup_key IS NULL THEN e.body_digest ELSE u.digest END FROM {_arrays(*_FINISH_TYPES)} "
    "u(id, state, status, body, error, record_key, reason, settled_at, started_at, attempts, run_id, connection, "
    "entity, dedup_key, digest) WHERE e.id = u.id"
)
"""Write how events stand now; an empty run id, connection, entity or key leaves the old one."""

INSERT_ATTEMPTS: Final = (
    "INSERT INTO attempts SELECT * FROM "
    f"{_arrays('text', 'integer', 'bigint', 'bigint', 'text', 'text', 'text')} ON CONFLICT DO NOTHING"
)
"""Keep the last attempts of events before new ones take their places."""

# --- reading the journal ---------------------------------------------------------------------------------------------

EVENT_COLUMNS: Final = (
    "e.id, e.webhook, e.state, e.received_at, e.sender, e.size, e.answer_status, e.answer_body, e.error, e.reason, "
    "e.connection, e.entity, e.record_key, e.run_id, e.settled_at, e.started_at, e.attempts, e.timings, "
    "e.headers, e.query, coalesce(e.dedup_key, '')"
)

GET_EVENT: Final = f"SELECT {EVENT_COLUMNS} FROM events e WHERE e.id = $1"
"""One event."""

FIND_RUN: Final = f"SELECT {EVENT_COLUMNS} FROM events e WHERE e.run_id = $1 AND e.run_id <> ''"
"""The event of a status address."""

GET_BODY: Final = "SELECT body FROM events WHERE id = $1 AND body IS NOT NULL"
"""The raw body of an event, where it is kept."""

LIST_ATTEMPTS: Final = (
    "SELECT number, started_at, ended_at, state, error, record_key FROM attempts WHERE event_id = $1 "
    "UNION ALL SELECT attempts, started_at, settled_at, state, error, record_key FROM events e "
    "WHERE id = $1 AND attempts > 0 AND settled_at > 0 "
    "AND NOT EXISTS (SELECT FROM attempts a WHERE a.event_id = $1 AND a.number = e.attempts) ORDER BY 1"
)
"""The finished attempts of an event: the earlier ones, and the last as the event shows it."""

OWNER_ELSEWHERE: Final = (
    "SELECT max(id) FROM events WHERE connection = $1 AND connection <> 'records' AND entity = $2 "
    "AND record_key = $3 AND record_key <> ''"
)
"""The newest event that wrote a record of a target elsewhere."""

# --- built-in records ------------------------------------------------------------------------------------------------

GET_ENTITY: Final = "SELECT number FROM entities WHERE name = $1"
"""An entity's number."""

ADD_ENTITY: Final = (
    "INSERT INTO entities SELECT coalesce(max(number), 0) + 1, $1 FROM entities "
    "ON CONFLICT (name) DO NOTHING RETURNING number"
)
"""Number a new entity; nothing comes back where it has one."""

LOCK: Final = "SELECT pg_advisory_xact_lock(number) FROM unnest($1::bigint[]) number"
"""Take locks in this order, until the end of the transaction."""

RECORD_TABLE: Final = ("entity", "number", "party", "ordinal", "fields", "event_id")
"""Columns of a new record; what they hold goes in by COPY."""

UPDATE_RECORDS: Final = (
    "UPDATE records r SET party = u.party, ordinal = u.ordinal, fields = u.fields::json, event_id = u.event_id FROM "
    f"{_arrays('integer', 'bigint', 'text', 'integer', 'text', 'text')} "
    "u(entity, number, party, ordinal, fields, event_id) WHERE r.entity = u.entity AND r.number = u.number"
)
"""Change records."""

DELETE_RECORDS: Final = (
    f"DELETE FROM records r USING {_arrays('integer', 'bigint')} u(entity, number) "
    "WHERE r.entity = u.entity AND r.number = u.number"
)
"""Delete records."""

IS_PANEL: Final = "SELECT EXISTS (SELECT FROM panels WHERE name = $1)"
"""Whether there is a panel of this name."""

LAST_INSTANCES: Final = (
    f"SELECT u.entity, u.party, max(r.ordinal) FROM {_arrays('integer', 'text')} u(entity, party) "
    "JOIN records r ON r.entity = u.entity AND r.party = u.party AND r.ordinal IS NOT NULL GROUP BY 1, 2"
)
"""The highest ordinals that parties have in panels."""

RECORD_COLUMNS: Final = "r.number, r.party, r.ordinal, r.fields::text, r.event_id"

LIST_RECORDS: Final = (
    f"SELECT {RECORD_COLUMNS} FROM records r WHERE r.entity = $1 AND r.number > $2 ORDER BY r.number LIMIT $3"
)
"""Records of one entity in the order of their numbers."""

RECORD_BY_NUMBER: Final = (
    f"SELECT {RECORD_COLUMNS} FROM records r WHERE r.entity = $1 AND r.number = $2 AND r.ordinal IS NULL"
)
"""A record whose number is its key."""

RECORD_BY_INSTANCE: Final = (
    f"SELECT {RECORD_COLUMNS} FROM records r "
    "WHERE r.entity = $1 AND r.party = $2 AND r.ordinal = $3 AND r.ordinal IS NOT NULL"
)
"""A row of a panel that hangs on a party."""

# --- configuration and totals ----------------------------------------------------------------------------------------

REVISION: Final = "SELECT value FROM revision"
"""The configuration's revision."""

TOTAL: Final = "SELECT coalesce(sum(value), 0)::bigint FROM totals WHERE name = $1"
"""A roll-up over all slots."""
