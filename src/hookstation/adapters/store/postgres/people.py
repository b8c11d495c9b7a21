"""People, their sessions and links, and the tries of the PostgreSQL driver."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from functools import partial
from typing import Final

import asyncpg

from hookstation.adapters.store.people import user_row
from hookstation.adapters.store.postgres import sessions
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.core.throttle import Tries
from hookstation.errors import Conflict, NotFound
from hookstation.ports.people import Link, Session, User, UserChange

_USER: Final = "u.email, u.role, u.password, u.disabled <> 0, u.created_at, u.changed_at"
_SESSION: Final = "s.digest, s.account, s.address, s.agent, s.opened_at, s.seen_at, s.until"
_CHANGE: Final = (
    "UPDATE users u SET password = coalesce($1, password), role = coalesce($2, role), "
    f"disabled = coalesce($3, disabled), changed_at = $4 WHERE account = $5 RETURNING {_USER}"
)
_OPEN: Final = (
    "INSERT INTO sessions SELECT $1, account, $3, $4, $5, $6, $7 FROM users "
    "WHERE account = $2 AND disabled = 0 FOR SHARE"
)
_FIND: Final = (
    f"SELECT {_SESSION}, {_USER} FROM sessions s JOIN users u ON u.account = s.account WHERE s.digest = $1"
)
_TAKE_TRIES: Final = (
    "UPDATE tries SET count = $4, last_at = $5 WHERE key = $1 AND count = $2 AND last_at = $3"
)


class PostgresPeople:
    """Implements `ports.people`."""

    _sessions: sessions.Sessions

    async def add_user(self, user: User, *, first: bool = False) -> None:
        """Keep a user."""
        await self._sessions.change(partial(_add_user, user=user, first=first))

    async def users(self) -> Sequence[User]:
        """All users."""
        return await self._sessions.read(_users)

    async def get_user(self, account: str) -> User | None:
        """One user."""
        return await self._sessions.read(_get_user, account)

    async def change_user(self, account: str, change: UserChange) -> User | None:
        """Change a user."""
        return await self._sessions.change(partial(_change_user, account=account, change=change))

    async def remove_user(self, account: str) -> bool:
        """Forget a user."""
        return await self._sessions.change(partial(_remove_user, account=account))

    async def add_link(self, link: Link) -> None:
        """Keep a one-time link."""
        await self._sessions.change(partial(_add_link, link=link))

    async def find_link(self, digest: str, now: int) -> Link | None:
        """A link that still works."""
        return await self._sessions.read(_find_link, digest, now)

    async def spend_link(self, digest: str, now: int) -> Link | None:
        """Take a link."""
        return await self._sessions.change(partial(_spend_link, digest=digest, now=now))

    async def open_session(self, session: Session) -> None:
        """Keep a session."""
        await self._sessions.change(partial(_open_session, session=session))

    async def find_session(self, digest: str) -> tuple[Session, User] | None:
        """A session with whose it is."""
        return await self._sessions.read(_find_session, digest)

    async def touch_session(self, digest: str, at: int) -> None:
        """Say that a session was seen."""
        statement = "UPDATE sessions SET seen_at = $2 WHERE digest = $1 AND seen_at < $2"
        await self._sessions.read(lambda connection: connection.execute(statement, digest, at))

    async def sessions_of(self, account: str) -> Sequence[Session]:
        """The sessions of an account."""
        return await self._sessions.read(_sessions_of, account)

    async def end_session(self, digest: str) -> bool:
        """End a session."""
        statement = "DELETE FROM sessions WHERE digest = $1"
        return bool(await self._sessions.change(partial(_count, statement=statement, asked=(digest,))))

    async def end_sessions_of(self, account: str, but: str = "") -> int:
        """End the sessions of an account."""
        statement = "DELETE FROM sessions WHERE account = $1 AND digest <> $2"
        return await self._sessions.change(partial(_count, statement=statement, asked=(account, but)))

    async def get_tries(self, key: str) -> Tries | None:
        """How often somebody tried in vain."""
        return await self._sessions.read(_get_tries, key)

    async def swap_tries(self, key: str, before: Tries | None, after: Tries | None) -> bool:
        """Put tries in the place of those that were read."""
        return await self._sessions.change(partial(_swap_tries, key=key, before=before, after=after))

    async def forget_people(self, now: int, idle_since: int, tried_before: int) -> int:
        """Forget what is over."""
        return await self._sessions.change(
            partial(_forget, now=now, idle_since=idle_since, tried_before=tried_before)
        )


async def _count(connection: Connection, statement: str, asked: tuple[str | int, ...]) -> int:
    """Run a statement and say how many rows it changed, by its command tag."""
    return int((await connection.execute(statement, *asked)).rpartition(" ")[2])


async def _add_user(connection: Connection, user: User, first: bool) -> None:
    if first:  # of several who would be the first at once, one is
        await connection.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")
        if await connection.fetchval("SELECT EXISTS (SELECT 1 FROM users)"):
            raise Conflict("There is a user already: sign in, or have a user added.")
    row = user_row(user)
    statement = "INSERT INTO users VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account) DO NOTHING"
    if not await _count(connection, statement, row):
        raise Conflict(f"There is a user “{user.email}” already.")


async def _users(connection: Connection) -> list[User]:
    return [User(*row) for row in await connection.fetch(f"SELECT {_USER} FROM users u ORDER BY account")]


async def _get_user(connection: Connection, account: str) -> User | None:
    row = await connection.fetchrow(f"SELECT {_USER} FROM users u WHERE account = $1", account)
    return User(*row) if row else None


async def _change_user(connection: Connection, account: str, change: UserChange) -> User | None:
    disabled = None if change.disabled is None else int(change.disabled)
    row = await connection.fetchrow(_CHANGE, change.password, change.role, disabled, change.at, account)
    if row and (change.password is not None or change.disabled):
        await _end_all(connection, account)
    return User(*row) if row else None


async def _end_all(connection: Connection, account: str) -> None:
    await connection.execute("DELETE FROM sessions WHERE account = $1", account)
    await connection.execute("DELETE FROM links WHERE account = $1", account)


async def _add_link(connection: Connection, link: Link) -> None:
    """The user's row first: of two who make a link at once, the second one's stays."""
    if link.account:
        await connection.execute("SELECT 1 FROM users WHERE account = $1 FOR UPDATE", link.account)
        await connection.execute("DELETE FROM links WHERE account = $1", link.account)
    await connection.execute("INSERT INTO links VALUES ($1, $2, $3)", link.digest, link.account, link.until)


async def _remove_user(connection: Connection, account: str) -> bool:
    """The user first: whoever opens a session meanwhile waits for its row, and finds it gone."""
    gone = await _count(connection, "DELETE FROM users WHERE account = $1", (account,))
    await _end_all(connection, account)
    return bool(gone)


def _link(row: asyncpg.Record | None) -> Link | None:
    return Link(*row) if row else None


async def _find_link(connection: Connection, digest: str, now: int) -> Link | None:
    statement = "SELECT digest, account, until FROM links WHERE digest = $1 AND until > $2"
    return _link(await connection.fetchrow(statement, digest, now))


async def _spend_link(connection: Connection, digest: str, now: int) -> Link | None:
    statement = "DELETE FROM links WHERE digest = $1 AND until > $2 RETURNING digest, account, until"
    return _link(await connection.fetchrow(statement, digest, now))


async def _open_session(connection: Connection, session: Session) -> None:
    row = astuple(session)
    if not await _count(connection, _OPEN, row):
        raise NotFound("user", session.account)


async def _find_session(connection: Connection, digest: str) -> tuple[Session, User] | None:
    row = await connection.fetchrow(_FIND, digest)
    return (Session(*row[:7]), User(*row[7:])) if row else None


async def _sessions_of(connection: Connection, account: str) -> list[Session]:
    statement = f"SELECT {_SESSION} FROM sessions s WHERE account = $1 ORDER BY opened_at DESC, digest"
    return [Session(*row) for row in await connection.fetch(statement, account)]


async def _get_tries(connection: Connection, key: str) -> Tries | None:
    row = await connection.fetchrow("SELECT count, last_at FROM tries WHERE key = $1", key)
    return Tries(*row) if row else None


async def _swap_tries(connection: Connection, key: str, before: Tries | None, after: Tries | None) -> bool:
    if before is None:
        if after is None:
            return await _get_tries(connection, key) is None
        statement = "INSERT INTO tries VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING"
        return bool(await _count(connection, statement, (key, after.count, after.last_at)))
    asked = (key, before.count, before.last_at)
    if after is None:
        statement = "DELETE FROM tries WHERE key = $1 AND count = $2 AND last_at = $3"
        return bool(await _count(connection, statement, asked))
    return bool(await _count(connection, _TAKE_TRIES, (*asked, after.count, after.last_at)))


async def _forget(connection: Connection, now: int, idle_since: int, tried_before: int) -> int:
    over = "DELETE FROM sessions WHERE until <= $1 OR seen_at <= $2"
    return (
        await _count(connection, over, (now, idle_since))
        + await _count(connection, "DELETE FROM links WHERE until <= $1", (now,))
        + await _count(connection, "DELETE FROM tries WHERE last_at < $1", (tried_before,))
    )
