"""Every fixed statement of the SQLite driver about what goes out, by name, with a sentence each."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from typing import Final

from hookstation.core.outgoing.delivery_rules import ENDED
from hookstation.ports.deliveries import MOST_COUNTED

# --- emitting --------------------------------------------------------------------------------------------------------

INSERT_EVENT: Final = (
    "INSERT INTO events_out (id, type, occurred_at, source, key, hops, payload) VALUES (?,?,?,?,?,?,?)"
)
"""Write one event out."""

RAISED: Final = "SELECT id FROM events_out WHERE key = ? AND key <> ''"
"""The event that was raised under an idempotency key."""

INSERT_DELIVERY: Final = (
    "INSERT INTO deliveries (id, event_id, type, subscription, destination, key, state, created_at, "
    "attempts, status, trouble, error, ended_at) VALUES (?,?,?,?,?,?,'waiting',?,0,0,'','',0)"
)
"""Write a delivery that begins."""

# --- trying ----------------------------------------------------------------------------------------------------------

INSERT_ATTEMPT: Final = (
    "INSERT INTO delivery_attempts (delivery_id, number, started_at, method, url, headers, body, status, "
    "answer_headers, answer, cut, dns, connect, tls, first_byte, total, trouble, error, node) "
    "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
"""Keep an attempt."""

END_TRY: Final = (
    "UPDATE deliveries SET state = ?, ended_at = ?, attempts = ?, status = ?, trouble = ?, error = ? "
    "WHERE id = ?"
)
"""Write how a delivery stands after an attempt."""

END_WITHOUT_TRY: Final = "UPDATE deliveries SET state = ?, ended_at = ? WHERE id = ?"
"""Write how a delivery stands, where none was made."""

ADD_FIGURES: Final = (
    "INSERT INTO delivery_figures (destination, hour, delivered, failed, dead, took) VALUES (?,?,?,?,?,?) "
    "ON CONFLICT (destination, hour) DO UPDATE SET delivered = delivered + excluded.delivered, "
    "failed = failed + excluded.failed, dead = dead + excluded.dead, took = took + excluded.took"
)
"""Move the figures of an hour."""

# --- by people -------------------------------------------------------------------------------------------------------

REVIVE: Final = (
    "UPDATE deliveries SET state = 'waiting', ended_at = 0 WHERE id IN (SELECT value FROM json_each(?)) "
    "AND state <> 'waiting' RETURNING id, destination, key"
)
"""Let deliveries that ended wait anew."""

WAITING: Final = (
    "SELECT id FROM deliveries WHERE id IN (SELECT value FROM json_each(?)) AND state = 'waiting'"
)
"""Which of some deliveries wait."""

CANCEL: Final = (
    "UPDATE deliveries SET state = 'cancelled', ended_at = ? WHERE id IN (SELECT value FROM json_each(?)) "
    "AND state = 'waiting' RETURNING id"
)
"""End those of some deliveries that wait."""

SAVE_STATE: Final = (
    "INSERT INTO destination_states (name, health, until, opened, failing_since, changed_at, why, revision) "
    "SELECT :name, :health, :until, :opened, :failing_since, :changed_at, :why, :revision "
    "WHERE :revision = 1 + coalesce((SELECT revision FROM destination_states WHERE name = :name), 0) "
    "ON CONFLICT (name) DO UPDATE SET health = excluded.health, until = excluded.until, opened = excluded.opened, "
    "failing_since = excluded.failing_since, changed_at = excluded.changed_at, why = excluded.why, "
    "revision = excluded.revision RETURNING 1"
)
"""Write a destination's state where it follows on the one there."""

# --- reading ---------------------------------------------------------------------------------------------------------

EVENT_COLUMNS: Final = "id, type, occurred_at, payload, source, key, hops"

GET_EVENT: Final = f"SELECT {EVENT_COLUMNS} FROM events_out WHERE id = ?"
"""One event out."""

EVENTS_AMONG: Final = (
    f"SELECT {EVENT_COLUMNS} FROM events_out WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id DESC"
)
"""Events out by their ids."""

LIST_EVENTS: Final = f"SELECT {EVENT_COLUMNS} FROM events_out WHERE id < ? ORDER BY id DESC LIMIT ?"
"""The newest events out before one."""

NEWEST_OF_TYPE: Final = (
    "SELECT id FROM events_out WHERE type = ? AND id > ? AND id < ? ORDER BY id DESC LIMIT ?"
)
"""The newest events out of a type between two."""

_COLUMNS: Final = (
    "d.id, d.event_id, d.type, d.subscription, d.destination, d.key, d.state, d.created_at, d.attempts, d.status, "
    "d.trouble, d.error, {}, d.ended_at"
)
DELIVERY_COLUMNS: Final = _COLUMNS.format("coalesce(j.due_at, 0)")
_DELIVERIES: Final = (
    "FROM json_each(?) AS i CROSS JOIN deliveries AS d ON d.id = i.value "
    "LEFT JOIN jobs AS j ON j.queue = 'deliveries' AND j.id = d.id"
)

DELIVERIES_AMONG: Final = f"SELECT {DELIVERY_COLUMNS} {_DELIVERIES} ORDER BY d.id DESC"
"""Deliveries by their ids, newest first, with when they are due."""

TO_SEND: Final = (
    f"SELECT {_COLUMNS.format(0)}, e.id, e.type, e.occurred_at, e.payload, e.source, e.key, e.hops "
    "FROM json_each(?) AS i CROSS JOIN deliveries AS d ON d.id = i.value JOIN events_out AS e ON e.id = d.event_id"
)
"""Deliveries by their ids, each with its event; what is leased waits for nothing."""

LIST_ATTEMPTS: Final = (
    "SELECT delivery_id, number, started_at, method, url, headers, body, status, answer_headers, answer, cut, "
    "dns, connect, tls, first_byte, total, trouble, error, node FROM delivery_attempts WHERE delivery_id = ? "
    "ORDER BY number"
)
"""The attempts of a delivery."""

_NEXT_DESTINATION: Final = "(SELECT d.destination FROM deliveries AS d{} ORDER BY d.destination LIMIT 1)"

COUNT_WAITING: Final = (
    f"WITH RECURSIVE n (destination) AS (SELECT {_NEXT_DESTINATION.format('')} UNION ALL "
    f"SELECT {_NEXT_DESTINATION.format(' WHERE d.destination > n.destination')} FROM n "
    "WHERE n.destination IS NOT NULL) "
    "SELECT n.destination, (SELECT count(*) FROM (SELECT 1 FROM deliveries AS d WHERE d.destination = n.destination "
    f"AND d.state = 'waiting' LIMIT {MOST_COUNTED})) FROM n WHERE n.destination IS NOT NULL"
)
"""How many deliveries wait, of each destination; a probe of an index a destination, and what is counted."""

FIGURES: Final = (
    "SELECT destination, hour, delivered, failed, dead, took FROM delivery_figures "
    "WHERE hour >= ? AND hour < ? ORDER BY hour, destination"
)
"""The hours of all destinations."""

FIGURES_OF_ONE: Final = (
    "SELECT destination, hour, delivered, failed, dead, took FROM delivery_figures "
    "WHERE hour >= ? AND hour < ? AND destination = ? ORDER BY hour"
)
"""The hours of a destination."""

STATES: Final = (
    "SELECT name, health, until, opened, failing_since, changed_at, why, revision "
    "FROM destination_states ORDER BY name"
)
"""Every destination's state."""

# --- pruning ---------------------------------------------------------------------------------------------------------

OLD_ENDED: Final = " UNION ALL ".join(
    "SELECT id FROM (SELECT id FROM deliveries "
    f"WHERE state = '{state.value}' AND id < :highest AND created_at < :before ORDER BY id LIMIT :limit)"
    for state in ENDED
)
"""The oldest ended deliveries of each state."""

OLD_EVENTS: Final = (
    "SELECT id FROM events_out WHERE id > ? AND id < ? AND occurred_at < ? ORDER BY id LIMIT ?"
)
"""The oldest events out, after one."""

_GONE: Final = "id IN (SELECT value FROM json_each(?))"

DROP_DELIVERIES: Final = f"DELETE FROM deliveries WHERE {_GONE} AND state <> 'waiting' RETURNING id, event_id"
"""Forget deliveries; those that were revived since they were chosen stay."""

DROP_ATTEMPTS: Final = "DELETE FROM delivery_attempts WHERE delivery_id IN (SELECT value FROM json_each(?))"
"""Forget the attempts of deliveries."""

WANTED: Final = "SELECT DISTINCT event_id FROM deliveries WHERE event_id IN (SELECT value FROM json_each(?))"
"""Which of some events have deliveries."""

DROP_EVENTS: Final = (
    f"DELETE FROM events_out WHERE {_GONE} AND occurred_at < ? "
    "AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.event_id = events_out.id)"
)
"""Forget old events out that have no delivery."""

ANY_OLD_FIGURES: Final = "SELECT 1 FROM delivery_figures WHERE hour <= ? LIMIT 1"
"""Whether there are figures of hours that began so long ago."""

DROP_FIGURES: Final = "DELETE FROM delivery_figures WHERE hour <= ?"
"""Forget the figures of hours that began so long ago."""
