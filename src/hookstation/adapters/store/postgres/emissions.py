"""What goes out of a transaction: events out, the deliveries and runs that begin with them, and their jobs."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import asyncpg

from hookstation.adapters.store.postgres import jobs as queues
from hookstation.adapters.store.postgres import run_starts
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.delivery_rows import DELIVERY, EVENT, delivery_row, event_out_row
from hookstation.adapters.store.postgres.jobs import Hinted, Missed, job_row
from hookstation.adapters.store.postgres.keys import Key, hint_of, lock_keys, promote
from hookstation.adapters.store.postgres.rows import append, columns, kept, told
from hookstation.core.jobs import DELIVERIES
from hookstation.core.outgoing.delivery_rules import begun, delivery_job, job_key
from hookstation.core.outgoing.values import Emission
from hookstation.errors import Conflict

PUT_RAISED: Final = (
    f"INSERT INTO events_out ({', '.join(EVENT)}, bare) SELECT * FROM "
    "unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::boolean[]) "
    "ON CONFLICT (key) WHERE key <> '' DO NOTHING RETURNING id"
)
"""Write events whose idempotency keys are free; waits for whoever writes one with the same key at this moment."""

RAISED: Final = "SELECT key, id FROM events_out WHERE key = ANY($1::text[]) AND key <> ''"
"""The events that have these idempotency keys."""


def keys_of(emissions: Iterable[Emission]) -> set[Key]:
    """The keys of the jobs of all that may be delivered or begin."""
    keys: set[Key] = set()
    for emission in emissions:
        keys |= run_starts.keys_of(emission.starts)
        keys |= {(DELIVERIES, job_key(new.destination, new.key)) for new in emission.deliveries if new.key}
    return keys


async def emit(connection: Connection, emissions: Sequence[Emission]) -> Hinted[list[str]]:
    """Write emissions; for each the id of the event that stands. Raises `Missed` where one went at this moment."""
    await lock_keys(connection, keys_of(emissions))
    standing, hints = await write(connection, emissions)
    missing = {emission.event.key for emission in emissions if emission.event.id not in standing}
    raised = {}
    if missing:
        found = await connection.fetch(RAISED, [kept(key) for key in missing])
        raised = {told(key): str(event_id) for key, event_id in found}
        if missing - raised.keys():
            raise Missed
    ids = [emission.event.id for emission in emissions]
    return [
        event_id if event_id in standing else raised[emission.event.key]
        for event_id, emission in zip(ids, emissions, strict=True)
    ], hints


async def write(
    connection: Connection, emissions: Sequence[Emission], moved: Collection[Key] = ()
) -> Hinted[set[str]]:
    """Write emissions whose events' keys are free, and restore the order of their keys and of those that `moved`.

    The locks of all these keys are held.  Returns the ids of the events that were written.
    """
    standing = await _write_events(connection, emissions)
    going = [emission for emission in emissions if emission.event.id in standing]
    begin = [(one.event, new) for one in going for new in one.deliveries]
    hints = set[str]()
    if begin:
        rows = [delivery_row(begun(event, new)) for event, new in begin]
        await append(connection, "deliveries", DELIVERY, rows)
        jobs = [delivery_job(new.id, new.destination, new.key) for _, new in begin]
        jobs.sort(key=lambda job: job.id)
        await connection.fetch(queues.ENQUEUE, *columns([job_row(job) for job in jobs], 11))
        hints = {hint_of(DELIVERIES, job.lane) for job in jobs if not job.key}
    if starts := [start for one in going for start in one.starts]:
        hints |= (await run_starts.write(connection, starts))[1]
    return standing, hints | await promote(connection, {*keys_of(going), *moved})


async def _write_events(connection: Connection, emissions: Sequence[Emission]) -> set[str]:
    """Those with idempotency keys go last, in one order on every node, since others may have to be waited for."""
    free = [one for one in emissions if not one.event.key]
    raised = sorted((one for one in emissions if one.event.key), key=lambda one: one.event.key)
    standing = {one.event.id for one in free}
    try:
        if free:
            rows = [(*event_out_row(one.event), not one.deliveries) for one in free]
            await append(connection, "events_out", (*EVENT, "bare"), rows)
        if raised:
            rows = [(*event_out_row(one.event), not one.deliveries) for one in raised]
            standing |= {str(one) for (one,) in await connection.fetch(PUT_RAISED, *columns(rows, 8))}
    except asyncpg.UniqueViolationError as error:
        raise Conflict("An event with this id has gone out already.") from error
    return standing
