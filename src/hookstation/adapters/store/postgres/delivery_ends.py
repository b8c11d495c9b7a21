"""How deliveries end and begin anew: tries that are settled, revived and cancelled deliveries.

Each of them first locks the deliveries, in the order of their ids, so that no two change how one stands; then their
jobs as `batches` says.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from hookstation.adapters.store.postgres import emissions
from hookstation.adapters.store.postgres import jobs as queues
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.delivery_rows import ATTEMPT, attempt_row
from hookstation.adapters.store.postgres.jobs import Hinted, LeaseName, job_row, lease_name
from hookstation.adapters.store.postgres.keys import Key, hint_of, lock_keys, promote
from hookstation.adapters.store.postgres.rows import Row, columns, kept, told
from hookstation.core.jobs import DELIVERIES, JobEnd
from hookstation.core.outgoing.delivery_rules import ENDED, delivery_job, figures_moved, job_key
from hookstation.core.outgoing.values import DeliveryState
from hookstation.ports.deliveries import DeliveryEnd

SLOTS: Final = 16
"""Rows that an hour's figures of a destination are spread over at most."""

LOCK: Final = (
    "SELECT id, destination, key, state FROM deliveries WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
)
"""Deliveries, which nobody else may change now."""

_END_TYPES: Final = ("text", "text", "bigint", "integer", "integer", "text", "text")
_ATTEMPT_TYPES: Final = (
    "text", "integer", "bigint", "text", "text", "text", "bytea", "integer", "text", "bytea", "smallint", "bigint",
    "bigint", "bigint", "bigint", "bigint", "text", "text", "text",
)  # fmt: skip
_FIGURE_TYPES: Final = ("text", "bigint", "integer", "bigint", "bigint", "bigint", "bigint")


def _rows_of(types: Sequence[str], before: int) -> str:
    """A statement's arrays as rows; there are so many arrays before them."""
    return f"unnest({', '.join(f'${before + place}::{kind}[]' for place, kind in enumerate(types, 1))})"


_END: Final = (
    "UPDATE deliveries d SET state = u.state, ended_at = u.ended_at, "
    "attempts = CASE WHEN u.number = 0 THEN d.attempts ELSE u.number END, "
    "status = CASE WHEN u.number = 0 THEN d.status ELSE u.status END, "
    "trouble = CASE WHEN u.number = 0 THEN d.trouble ELSE u.trouble END, "
    "error = CASE WHEN u.number = 0 THEN d.error ELSE u.error END "
    f"FROM {_rows_of(_END_TYPES, 0)} u(id, state, ended_at, number, status, trouble, error) WHERE d.id = u.id"
)
_KEEP_ATTEMPTS: Final = (
    f"INSERT INTO delivery_attempts ({', '.join(ATTEMPT)}) "
    f"SELECT * FROM {_rows_of(_ATTEMPT_TYPES, len(_END_TYPES))} ON CONFLICT DO NOTHING"
)
_ADD_FIGURES: Final = (
    "INSERT INTO delivery_figures AS f (destination, hour, slot, delivered, failed, dead, took) "
    f"SELECT * FROM {_rows_of(_FIGURE_TYPES, len(_END_TYPES) + len(_ATTEMPT_TYPES))} "
    "ON CONFLICT (destination, hour, slot) DO UPDATE SET delivered = f.delivered + excluded.delivered, "
    "failed = f.failed + excluded.failed, dead = f.dead + excluded.dead, took = f.took + excluded.took"
)
END: Final = f"WITH ended AS ({_END}), kept AS ({_KEEP_ATTEMPTS}) {_ADD_FIGURES}"
"""Write how deliveries stand, keep their attempts and move the figures of their hours, in one go.

Attempt 0 is none, and leaves what the last one said.
"""

BEGIN_ANEW: Final = f"{queues.REPLACE.partition(' RETURNING')[0]} WHERE jobs.state <> 2 RETURNING queue, id"
"""Put jobs, in the places of those that are there and not leased."""

WAIT_ANEW: Final = (
    "UPDATE deliveries SET state = 'waiting', ended_at = 0 WHERE id = ANY($1::text[]) AND state <> 'waiting'"
)
"""Deliveries that ended wait again."""

CANCELLED: Final = "UPDATE deliveries SET state = 'cancelled', ended_at = $2 WHERE id = ANY($1::text[])"
"""Deliveries that wait do so no more."""


class Standing(NamedTuple):
    """A row of `LOCK`."""

    id: str
    destination: str
    key: str
    state: str

    @property
    def job_key(self) -> str:
        """The key of its job."""
        return job_key(told(self.destination), told(self.key))


async def settle(connection: Connection, ends: Sequence[DeliveryEnd], slot: int) -> Hinted[list[bool]]:
    """Write how tries ended; false for each whose lease was not the delivery's, or that is said twice."""
    first: dict[LeaseName, DeliveryEnd] = {}
    for end in ends:
        first.setdefault(lease_name(end.lease), end)
    stand = await _lock(connection, (end.lease.id for end in first.values()))
    known = [end for end in first.values() if kept(end.lease.id) in stand]
    free = [end for end in known if not stand[kept(end.lease.id)].key]
    keyed = [end for end in known if stand[kept(end.lease.id)].key]
    done, hints = await queues.end_free(connection, _job_ends(free))
    moved = {(DELIVERIES, stand[kept(end.lease.id)].job_key) for end in keyed}
    told_others = [one for end in known for one in end.emissions]
    await lock_keys(connection, moved | emissions.keys_of(told_others))
    if keyed:
        done |= await queues.end_keyed(connection, _job_ends(keyed))
    ended = [end for name, end in first.items() if name in done]
    hints |= await _write(connection, ended, moved, slot)
    return [lease_name(end.lease) in done and first[lease_name(end.lease)] is end for end in ends], hints


async def _write(
    connection: Connection, ended: Sequence[DeliveryEnd], moved: set[Key], slot: int
) -> set[str]:
    if not ended:
        return set()
    told_others = [one for end in ended for one in end.emissions]
    if told_others:
        _, hints = await emissions.write(connection, told_others, moved)
    else:
        hints = await promote(connection, moved)
    ends = columns(sorted(map(_end_row, ended), key=_first), len(_END_TYPES))
    attempts = columns([attempt_row(end.attempt) for end in ended if end.attempt is not None], len(ATTEMPT))
    figures = columns(_figures(ended, slot), len(_FIGURE_TYPES))
    await connection.execute(END, *ends, *attempts, *figures)
    return hints


async def revive(connection: Connection, ids: Sequence[str]) -> Hinted[int]:
    """Have deliveries tried (again), due now, but for those that are being tried; returns how many there are."""
    stand = await _lock(connection, ids)
    jobs = [delivery_job(told(one.id), told(one.destination), told(one.key)) for one in stand.values()]
    free = [job for job in jobs if not job.key]
    hints = set[str]()
    if free:
        await connection.execute(BEGIN_ANEW, *columns([job_row(job) for job in free], 11))
        hints = {hint_of(DELIVERIES, job.lane) for job in free}
    if keyed := [job for job in jobs if job.key]:
        keys = {(DELIVERIES, job.key) for job in keyed}
        await lock_keys(connection, keys)
        await connection.execute(BEGIN_ANEW, *columns([job_row(job) for job in keyed], 11))
        hints |= await promote(connection, keys)
    await connection.execute(WAIT_ANEW, list(stand))
    return len(stand), hints


async def cancel(connection: Connection, ids: Sequence[str], at: int) -> Hinted[int]:
    """End deliveries that wait, whoever tries them; returns how many."""
    stand = await _lock(connection, ids)
    waiting = [one for one in stand.values() if one.state == DeliveryState.WAITING]
    if not waiting:
        return 0, set()
    rows = [(DELIVERIES, one.id, kept(one.job_key)) for one in waiting]
    if free := [row for row in rows if not row[2]]:
        await connection.execute(queues.CANCEL, *columns(free, 3))
    hints = set[str]()
    if keyed := [row for row in rows if row[2]]:
        keys = {(DELIVERIES, one.job_key) for one in waiting if one.key}
        await lock_keys(connection, keys)
        await connection.execute(queues.CANCEL, *columns(keyed, 3))
        hints = await promote(connection, keys)
    await connection.execute(CANCELLED, [one.id for one in waiting], at)
    return len(waiting), hints


async def _lock(connection: Connection, ids: Iterable[str]) -> dict[str, Standing]:
    found = await connection.fetch(LOCK, sorted({kept(one) for one in ids}))
    return {row[0]: Standing(*row) for row in found}


def _job_ends(ends: Iterable[DeliveryEnd]) -> list[JobEnd]:
    return [JobEnd(end.lease, end.again) for end in ends]


def _end_row(end: DeliveryEnd) -> Row:
    ended_at = end.ended_at if end.state in ENDED else 0
    stands = (kept(end.lease.id), end.state.value, ended_at)
    if end.attempt is None:
        return (*stands, 0, 0, "", "")
    return (
        *stands,
        end.attempt.number,
        end.attempt.status,
        end.attempt.trouble.value,
        kept(end.attempt.error),
    )


def _first(row: Row) -> str:
    return str(row[0])


def _figures(ended: Iterable[DeliveryEnd], slot: int) -> list[Row]:
    """What moves, a row an hour of a destination, in one order on every node."""
    sums: dict[tuple[str, int], list[int]] = {}
    for end in ended:
        moved = figures_moved(end.destination, end.state, end.attempt, end.ended_at)
        if moved is not None:
            there = sums.setdefault((kept(moved.destination), moved.hour), [0, 0, 0, 0])
            for place, number in enumerate((moved.delivered, moved.failed, moved.dead, moved.took)):
                there[place] += number
    return [(*place, slot % SLOTS, *numbers) for place, numbers in sorted(sums.items())]
