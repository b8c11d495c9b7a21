"""Every fixed statement of the SQLite driver, by name, with a sentence each.

Statements that grow with what is asked (lists with filters, matches) are built beside what asks them.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from typing import Final

# --- accepting -------------------------------------------------------------------------------------------------------

INSERT_EVENT: Final = "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
"""Append one event to the journal."""

NEWEST_PAYLOAD: Final = "SELECT coalesce(max(no), 0) FROM payloads"
"""The number from which the next payloads are numbered."""

INSERT_PAYLOAD: Final = "INSERT INTO payloads VALUES (?,?,?)"
"""Keep headers and body of one event."""

TAKE_MARK: Final = (
    "INSERT INTO marks VALUES (?,?,?) ON CONFLICT (digest) DO UPDATE "
    "SET event_id = excluded.event_id, expires_at = excluded.expires_at WHERE marks.expires_at <= ?"
)
"""Take a dedup key that nobody holds or whose mark has expired; changes nothing where it is held."""

FREE_MARK: Final = "DELETE FROM marks WHERE digest = ? AND event_id = ?"
"""Give back the key that this event holds."""

FIND_MARK: Final = (
    "SELECT e.dedup_key, e.body_digest, e.id, e.state, m.expires_at, e.run_id, e.answer_status, e.answer_body "
    "FROM marks m JOIN events e ON e.id = m.event_id WHERE m.digest = ? AND m.expires_at > ?"
)
"""The live mark of a key, with the state and the answer of the event that holds it."""

ADD_TOTAL: Final = "UPDATE totals SET value = value + ? WHERE name = ?"
"""Move a roll-up."""

# --- finishing -------------------------------------------------------------------------------------------------------

EVENT_TO_FINISH: Final = (
    "SELECT webhook, state, attempts, started_at, settled_at, error, record_key, dedup_key, received_at, reason "
    "FROM events WHERE id = ?"
)
"""What finishing an event has to know of it."""

FINISH_EVENT: Final = (
    "UPDATE events SET state = ?, answer_status = ?, answer_body = ?, error = ?, record_key = ?, reason = ?, "
    "settled_at = ?, started_at = ?, attempts = ?, run_id = coalesce(nullif(?, ''), run_id), "
    "connection = coalesce(nullif(?, ''), connection), entity = coalesce(nullif(?, ''), entity) WHERE id = ?"
)
"""Write how an event stands now; an empty run id, connection or entity leaves the old one."""

CLAIM_KEY: Final = "UPDATE events SET dedup_key = ?, body_digest = ? WHERE id = ?"
"""Note the key that a replayed event claims anew."""

INSERT_ATTEMPT: Final = "INSERT INTO attempts VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"
"""Keep the last attempt of an event before a new one takes its place, where it is not kept yet."""

# --- reading the journal ---------------------------------------------------------------------------------------------

EVENT_COLUMNS: Final = (
    "e.id, e.webhook, e.state, e.received_at, e.sender, e.size, e.answer_status, e.answer_body, e.error, e.reason, "
    "e.connection, e.entity, e.record_key, e.run_id, e.settled_at, e.started_at, e.attempts, e.timings, "
    "p.headers, e.query, coalesce(e.dedup_key, '')"
)
EVENT_SOURCE: Final = "FROM events e JOIN payloads p ON p.no = e.payload_no"

GET_EVENT: Final = f"SELECT {EVENT_COLUMNS} {EVENT_SOURCE} WHERE e.id = ?"
"""One event."""

FIND_RUN: Final = f"SELECT {EVENT_COLUMNS} {EVENT_SOURCE} WHERE e.run_id = ? AND e.run_id <> ''"
"""The event of a status address."""

GET_BODY: Final = (
    "SELECT p.body FROM events e JOIN payloads p ON p.no = e.payload_no WHERE e.id = ? AND p.body IS NOT NULL"
)
"""The raw body of an event, where it is kept."""

LIST_ATTEMPTS: Final = (
    "SELECT number, started_at, ended_at, state, error, record_key FROM attempts WHERE event_id = ? "
    "UNION ALL SELECT attempts, started_at, settled_at, state, error, record_key FROM events e "
    "WHERE id = ? AND attempts > 0 AND settled_at > 0 AND NOT EXISTS "
    "(SELECT 1 FROM attempts a WHERE a.event_id = e.id AND a.number = e.attempts) ORDER BY 1"
)
"""The finished attempts of an event: those that are kept, and the last as the event shows it."""

OWNER_ELSEWHERE: Final = (
    "SELECT id FROM events WHERE connection = ? AND connection <> 'records' AND entity = ? AND record_key = ? "
    "AND record_key <> '' ORDER BY id DESC LIMIT 1"
)
"""The newest event that wrote a record of a target elsewhere."""

# --- built-in records ------------------------------------------------------------------------------------------------

GET_ENTITY: Final = "SELECT number, last, records FROM entities WHERE name = ?"
"""An entity's number, the newest number given to a record of it, and how many it has."""

ADD_ENTITY: Final = (
    "INSERT INTO entities SELECT coalesce(max(number), 0) + 1, ?, 0, 0 FROM entities RETURNING number"
)
"""Number a new entity."""

MOVE_ENTITY: Final = "UPDATE entities SET last = ?, records = ? WHERE number = ?"
"""Note the records added to an entity."""

INSERT_RECORD: Final = "INSERT INTO records VALUES (?,?,?,?,?,?)"
"""Write one record."""

UPDATE_RECORD: Final = "UPDATE records SET party = ?, ordinal = ?, fields = ?, event_id = ? WHERE id = ?"
"""Change one record."""

DELETE_RECORD: Final = "DELETE FROM records WHERE id = ?"
"""Remove one record."""

PANEL: Final = "SELECT document FROM panels WHERE name = ?"
"""The definition of a panel."""

LAST_INSTANCE: Final = (
    "SELECT max(ordinal) FROM records WHERE entity = ? AND party = ? AND ordinal IS NOT NULL"
)
"""The highest ordinal that a party has in a panel."""

RECORD_COLUMNS: Final = "r.id, r.party, r.ordinal, r.fields, r.event_id"

LIST_RECORDS: Final = (
    f"SELECT {RECORD_COLUMNS} FROM records r WHERE r.id > ? AND r.id <= ? ORDER BY r.id LIMIT ?"
)
"""Records of one entity in the order of writing."""

RECORD_BY_NUMBER: Final = f"SELECT {RECORD_COLUMNS} FROM records r WHERE r.id = ? AND r.ordinal IS NULL"
"""A record whose number is its key."""

RECORD_BY_INSTANCE: Final = (
    f"SELECT {RECORD_COLUMNS} FROM records r "
    "WHERE r.entity = ? AND r.party = ? AND r.ordinal = ? AND r.ordinal IS NOT NULL"
)
"""A row of a panel that hangs on a party."""

# --- configuration ---------------------------------------------------------------------------------------------------

REVISION: Final = "SELECT value FROM totals WHERE name = 'revision'"
"""The configuration's revision."""

CAN_COMMIT: Final = "UPDATE totals SET value = value + 1 WHERE name = 'checks'"
"""A change that has to reach the disk."""
