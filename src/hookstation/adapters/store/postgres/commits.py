"""The end of a transaction: committed, not committed, or looked up until it is known which.

A connection that is lost while COMMIT is under way says nothing about the commit.  The server is then asked on a new
connection: first whether the old transaction has ended at all (a server that is merely out of reach may still be
about to commit it), then what of it is there.
"""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

from hookstation.adapters.store.postgres.connecting import (
    Access,
    Connection,
    connect,
    let_go,
    translate,
)
from hookstation.errors import StoreError, StoreUnavailable

ASK_AGAIN: Final = 0.05
SLOWEST: Final = 1.0
"""Seconds between two questions: from, and at most."""

MOST_PATIENCE: Final = 60.0
"""Seconds after which the callers are told that the outcome could not be found out."""

_HAS_ENDED: Final = "SELECT pg_xact_status($1::text::xid8)"
"""How a transaction ended, or that it has not."""

_IS_THERE: Final = "SELECT EXISTS (SELECT FROM events WHERE id = $1)"
"""Whether an event is in the journal."""


class OutcomeUnknown(Exception):
    """COMMIT was asked for, and no answer came."""


class NotKnown(StoreError):
    """Whether this was committed could not be found out: look the event up before you repeat it."""


async def commit(connection: Connection) -> None:
    """Commit. Raises `OutcomeUnknown` where nobody can say whether it was, else what the driver raises."""
    try:
        done = await connection.execute("COMMIT")
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "").startswith(("23", "25", "40")) and error.sqlstate != "40003":
            raise
        raise OutcomeUnknown from error
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise OutcomeUnknown from error
    if done != "COMMIT":
        raise StoreUnavailable("The database rolled the transaction back: ask again.")


async def find_out(access: Access, transaction: str, event_id: str) -> bool:
    """Whether a transaction was committed; `event_id` is one that it wrote, empty where it wrote none.

    The event decides: after a change of the primary server, numbers of transactions may have been given again.
    Raises `NotKnown` where the database cannot be asked for too long.
    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + MOST_PATIENCE, ASK_AGAIN
    while loop.time() < deadline:
        if (found := await _ask(access, transaction, event_id)) is not None:
            return found
        await asyncio.sleep(pause)
        pause = min(pause * 2, SLOWEST)
    raise NotKnown


async def _ask(access: Access, transaction: str, event_id: str) -> bool | None:
    """``None``: not known yet."""
    connection = None
    try:
        connection = await connect(access)
        status = await _status(connection, transaction)
        if status == "in progress":
            return None
        # In a statement of its own: one that began before the transaction ended would not see what it wrote.
        return bool(await connection.fetchval(_IS_THERE, event_id)) if event_id else status == "committed"
    except Exception as error:
        if isinstance(translate(error), StoreError):
            return None
        raise
    finally:
        await let_go(connection)


async def _status(connection: Connection, transaction: str) -> str:
    try:
        return str(await connection.fetchval(_HAS_ENDED, transaction))
    except asyncpg.InvalidParameterValueError:
        return "never begun"  # another server has taken over, and has not come to this number yet
