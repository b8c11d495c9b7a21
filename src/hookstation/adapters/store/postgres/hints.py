"""Hints: whoever listens here is told at once, the other nodes by NOTIFY, outside every transaction that matters.

A store has one connection for them, made when the first one is sent or listened for, and anew when it, or another one
of the store's, was lost.  On it NOTIFY comes back with the number of our own server process, so that nobody hears a
thing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import asyncpg

from hookstation.adapters.store.postgres.connecting import Access, Connection, connect, let_go
from hookstation.adapters.store.postgres.sessions import Sessions
from hookstation.errors import StoreError

CHANNEL: Final = "hookstation"

GATHERING: Final = 0.01
"""Seconds for which hints are gathered before they are sent, each once."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds before a lost connection is made anew: at first, and at most."""

NOTIFY: Final = (
    "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, hint) FROM unnest($2::text[]) hint"
)
"""Tell every node. Nothing is written that could be lost, so that no disk and no standby is waited for."""

Listener = Callable[[str], None]


class Bulletin:
    """Passes hints to listeners and to other nodes. `sessions` sends them where a pooler stands between."""

    def __init__(self, access: Access, sessions: Sessions) -> None:
        self._access, self._sessions = access, sessions
        self._listeners: dict[object, Listener] = {}
        self._pending: dict[str, None] = {}
        self._more, self._lost = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        if access.pooler == "none":
            sessions.when_in_doubt(self._renew)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each hint; returns how to stop it."""
        place = object()
        self._listeners[place] = listener
        self._begin()
        return partial(self._forget, place)

    def send(self, hints: Iterable[str]) -> None:
        """Tell the listeners here now, and all others as soon as may be. Never raises."""
        for hint in hints:
            self._pending[hint] = None
            self._tell(hint)
        if self._pending:
            self._begin()
            self._more.set()

    async def close(self) -> None:
        """Stop, and let go of the connection."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _forget(self, place: object) -> None:
        self._listeners.pop(place, None)

    def _tell(self, hint: str) -> None:
        for listener in list(self._listeners.values()):
            listener(hint)

    def _begin(self) -> None:
        if self._task is None and not self._closed:
            work = self._through_pooler() if self._access.pooler == "transaction" else self._through_own()
            self._task = asyncio.get_running_loop().create_task(work, name="hookstation store hints")

    async def _through_pooler(self) -> None:
        while True:
            await self._more.wait()
            await asyncio.sleep(GATHERING)
            with contextlib.suppress(StoreError):
                await self._sessions.read(self._notify)

    async def _through_own(self) -> None:
        pause = FIRST_PAUSE
        while True:
            connection = None
            try:
                connection = await self._listening()
                pause = FIRST_PAUSE
                await self._pass_on(connection)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            finally:
                await let_go(connection)

    async def _listening(self) -> asyncpg.Connection[asyncpg.Record]:
        connection = await connect(self._access)
        try:
            self._lost.clear()
            connection.add_termination_listener(self._note_loss)
            await connection.add_listener(CHANNEL, self._hear)
        except BaseException:
            await let_go(connection)
            raise
        return connection

    async def _pass_on(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Send what is to be sent, until the connection is lost."""
        while not self._lost.is_set():
            await self._more.wait()
            await asyncio.sleep(GATHERING)
            if not self._lost.is_set():
                await self._notify(connection)

    async def _notify(self, connection: Connection) -> None:
        """What cannot be sent now is sent later, but for what came to be sent meanwhile anew."""
        hints = list(self._pending)
        self._pending.clear()
        self._more.clear()
        try:
            if hints:
                await connection.execute(NOTIFY, CHANNEL, hints)
        except BaseException:
            self._pending = {**dict.fromkeys(hints), **self._pending}
            raise

    def _note_loss(self, _: object) -> None:
        self._renew()

    def _renew(self) -> None:
        """Make the connection anew: who only listens would never notice that the other end is gone."""
        self._lost.set()
        self._more.set()

    def _hear(self, connection: Connection, process: int, _: str, hint: object) -> None:
        if process != connection.get_server_pid():
            self._tell(str(hint))
