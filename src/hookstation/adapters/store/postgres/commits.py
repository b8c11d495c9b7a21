"""The end of a transaction: committed, not committed, or looked up until it is known which.

A connection that is lost while COMMIT is under way says nothing about the commit.  The server is then asked on a new
connection: first whether the old transaction has ended at all (a server that is merely out of reach may still be
about to commit it), then what of it is there.

A COMMIT that waits for a synchronous standby is never cancelled.  The server would end its wait, not its commit: the
event would be there for everybody to see, and gone when the standby takes over.
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

NEVER: Final = 3600.0
"""Seconds after which the driver's own time-out would come: it never does."""

ASK_AGAIN: Final = 0.05
SLOWEST: Final = 1.0
"""Seconds between two questions: from, and at most."""

MOST_PATIENCE: Final = 60.0
"""Seconds after which the callers are told that the outcome could not be found out."""

_HAS_ENDED: Final = "SELECT pg_xact_status($1::text::xid8)"
"""How a transaction ended, or that it has not."""

_FOLLOWS: Final = "SELECT pg_logical_emit_message(true, 'hookstation', '')"
"""Something to commit that nobody reads: a standby that has it has everything before it."""

_IS_THERE: Final = "SELECT EXISTS (SELECT FROM events WHERE id = $1)"
"""Whether an event is in the journal."""


class OutcomeUnknown(Exception):
    """COMMIT was asked for, and no answer came."""


class NotKnown(StoreError):
    """Whether this was committed could not be found out: look the event up before you repeat it."""


async def commit(connection: Connection, patience: float) -> None:
    """Commit; after `patience` seconds without an answer the connection is broken off, and nothing is cancelled.

    Raises `OutcomeUnknown` where nobody can say whether it was committed, else what the driver raises.
    """
    try:
        done = await _uncancelled(connection, patience)
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "").startswith(("23", "25", "40")) and error.sqlstate != "40003":
            raise
        raise OutcomeUnknown from error
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise OutcomeUnknown from error
    if done != "COMMIT":
        raise StoreUnavailable("The database rolled the transaction back: ask again.")


async def _uncancelled(connection: Connection, patience: float) -> str:
    """The driver asks the server to cancel what times out or is broken off; it does not where the connection goes."""
    committing = asyncio.ensure_future(connection.execute("COMMIT", timeout=patience + NEVER))
    committing.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.wait([committing], timeout=patience)
    finally:
        if not committing.done():
            connection.terminate()
    return await committing


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
        return await _look(connection, access, transaction, event_id)
    except Exception as error:
        if isinstance(error, OutcomeUnknown) or isinstance(translate(error), StoreError):
            return None
        raise
    finally:
        await let_go(connection)


async def _look(connection: Connection, access: Access, transaction: str, event_id: str) -> bool | None:
    status = await _status(connection, transaction)
    if status == "in progress":
        return None
    # In a statement of its own: one that began before the transaction ended would not see what it wrote.
    there = bool(await connection.fetchval(_IS_THERE, event_id)) if event_id else status == "committed"
    if there:
        await _standby_has_it(connection, access)
    return there


async def _standby_has_it(connection: Connection, access: Access) -> None:
    """Return when the synchronous standby, where there is one, has whatever can be seen now.

    A server that was restarted, or whose administrator cancelled the wait, shows commits that the standby has not.
    """
    await connection.execute(access.begin)
    await connection.execute(_FOLLOWS)
    await commit(connection, access.statement_timeout)


async def _status(connection: Connection, transaction: str) -> str:
    try:
        return str(await connection.fetchval(_HAS_ENDED, transaction))
    except asyncpg.InvalidParameterValueError:
        return "never begun"  # another server has taken over, and has not come to this number yet
