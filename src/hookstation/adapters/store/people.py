"""People, their sessions and links, and the tries of the SQLite driver."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from functools import partial
from typing import Final, cast

import apsw

from hookstation.adapters.store.group_commit import GroupCommit
from hookstation.adapters.store.journal_writer import Done, Unit
from hookstation.adapters.store.readers import Readers
from hookstation.core.throttle import Tries
from hookstation.errors import Conflict, NotFound
from hookstation.ports.people import Link, Session, User, UserChange

_USER: Final = "u.email, u.role, u.password, u.disabled, u.created_at, u.changed_at"
_SESSION: Final = "s.digest, s.account, s.address, s.agent, s.opened_at, s.seen_at, s.until"
_CHANGE: Final = (
    "UPDATE users SET password = coalesce(?, password), role = coalesce(?, role), "
    "disabled = coalesce(?, disabled), changed_at = ? WHERE account = ? "
    "RETURNING email, role, password, disabled, created_at, changed_at"
)
_OPEN: Final = (
    "INSERT INTO sessions SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 "
    "WHERE EXISTS (SELECT 1 FROM users WHERE account = ?2 AND disabled = 0)"
)
_FORGET: Final = (
    "DELETE FROM sessions WHERE until <= :now OR seen_at <= :idle_since",
    "DELETE FROM links WHERE until <= :now",
    "DELETE FROM tries WHERE last_at < :tried_before",
)
_ANY_OVER: Final = (
    "SELECT EXISTS (SELECT 1 FROM sessions WHERE until <= :now OR seen_at <= :idle_since) "
    "OR EXISTS (SELECT 1 FROM links WHERE until <= :now) OR EXISTS (SELECT 1 FROM tries WHERE last_at < :tried_before)"
)


class SqlitePeople:
    """Implements `ports.people`."""

    _commits: GroupCommit[Unit, Done]
    _readers: Readers

    async def add_user(self, user: User, *, first: bool = False) -> None:
        """Keep a user."""
        await self._commits.run(partial(_add_user, user=user, first=first))

    async def users(self) -> Sequence[User]:
        """All users."""
        return await self._readers.read(_users)

    async def get_user(self, account: str) -> User | None:
        """One user."""
        return self._readers.look_up(_get_user, account)

    async def change_user(self, account: str, change: UserChange) -> User | None:
        """Change a user."""
        return await self._commits.run(partial(_change_user, account=account, change=change))

    async def remove_user(self, account: str) -> bool:
        """Forget a user."""
        return await self._commits.run(partial(_remove_user, account=account))

    async def add_link(self, link: Link) -> None:
        """Keep a one-time link."""
        await self._commits.run(partial(_add_link, link=link))

    async def find_link(self, digest: str, now: int) -> Link | None:
        """A link that still works."""
        return self._readers.look_up(_find_link, digest, now)

    async def spend_link(self, digest: str, now: int) -> Link | None:
        """Take a link."""
        return await self._commits.run(partial(_spend_link, digest=digest, now=now))

    async def open_session(self, session: Session) -> None:
        """Keep a session."""
        await self._commits.run(partial(_open_session, session=session))

    async def find_session(self, digest: str) -> tuple[Session, User] | None:
        """A session with whose it is."""
        return self._readers.look_up(_find_session, digest)

    async def touch_session(self, digest: str, at: int) -> None:
        """Say that a session was seen."""
        statement = "UPDATE sessions SET seen_at = max(seen_at, ?) WHERE digest = ?"
        await self._commits.run(lambda connection: connection.execute(statement, (at, digest)))

    async def sessions_of(self, account: str) -> Sequence[Session]:
        """The sessions of an account."""
        return await self._readers.read(_sessions_of, account)

    async def end_session(self, digest: str) -> bool:
        """End a session."""
        statement = "DELETE FROM sessions WHERE digest = ?"
        return bool(await self._commits.run(lambda connection: _count(connection, statement, (digest,))))

    async def end_sessions_of(self, account: str, but: str = "") -> int:
        """End the sessions of an account."""
        statement = "DELETE FROM sessions WHERE account = ? AND digest <> ?"
        return await self._commits.run(lambda connection: _count(connection, statement, (account, but)))

    async def get_tries(self, key: str) -> Tries | None:
        """How often somebody tried in vain."""
        return self._readers.look_up(_get_tries, key)

    async def swap_tries(self, key: str, before: Tries | None, after: Tries | None) -> bool:
        """Put tries in the place of those that were read."""
        return await self._commits.run(partial(_swap_tries, key=key, before=before, after=after))

    async def forget_people(self, now: int, idle_since: int, tried_before: int) -> int:
        """Forget what is over; a station at rest leaves the disk alone."""
        asked = {"now": now, "idle_since": idle_since, "tried_before": tried_before}
        if not self._readers.look_up(_is_any_over, asked):
            return 0
        return await self._commits.run(
            lambda connection: sum(_count(connection, statement, asked) for statement in _FORGET)
        )


def user_row(user: User) -> tuple[str, str, str, str, int, int, int]:
    """A user in the order of the table's columns."""
    return (
        user.account,
        user.email,
        user.role,
        user.password,
        int(user.disabled),
        user.created_at,
        user.changed_at,
    )


def _count(connection: apsw.Connection, statement: str, asked: tuple[str, ...] | dict[str, int]) -> int:
    """Run a statement and say how many rows it changed."""
    connection.execute(statement, asked)
    return connection.changes()


def _is_any_over(connection: apsw.Connection, asked: dict[str, int]) -> bool:
    return bool(connection.execute(_ANY_OVER, asked).fetchall()[0][0])


def _user(row: object) -> User:
    email, role, password, disabled, created_at, changed_at = cast("tuple[str, str, str, int, int, int]", row)
    return User(email, role, password, bool(disabled), created_at, changed_at)


def _session(row: object) -> Session:
    return Session(*cast("tuple[str, str, str, str, int, int, int]", row))


def _add_user(connection: apsw.Connection, user: User, first: bool) -> None:
    if first and connection.execute("SELECT 1 FROM users LIMIT 1").fetchall():
        raise Conflict("There is a user already: sign in, or have a user added.")
    row = user_row(user)
    try:
        connection.execute("INSERT INTO users VALUES (?,?,?,?,?,?,?)", row)
    except apsw.ConstraintError as error:
        raise Conflict(f"There is a user “{user.email}” already.") from error


def _users(connection: apsw.Connection) -> list[User]:
    return [
        _user(row) for row in connection.execute(f"SELECT {_USER} FROM users u ORDER BY account").fetchall()
    ]


def _get_user(connection: apsw.Connection, account: str) -> User | None:
    rows = connection.execute(f"SELECT {_USER} FROM users u WHERE account = ?", (account,)).fetchall()
    return _user(rows[0]) if rows else None


def _change_user(connection: apsw.Connection, account: str, change: UserChange) -> User | None:
    disabled = None if change.disabled is None else int(change.disabled)
    asked = (change.password, change.role, disabled, change.at, account)
    rows = connection.execute(_CHANGE, asked).fetchall()
    if rows and (change.password is not None or change.disabled):
        _end_all(connection, account)
    return _user(rows[0]) if rows else None


def _end_all(connection: apsw.Connection, account: str) -> None:
    connection.execute("DELETE FROM sessions WHERE account = ?", (account,))
    connection.execute("DELETE FROM links WHERE account = ?", (account,))


def _remove_user(connection: apsw.Connection, account: str) -> bool:
    _end_all(connection, account)
    return bool(_count(connection, "DELETE FROM users WHERE account = ?", (account,)))


def _add_link(connection: apsw.Connection, link: Link) -> None:
    if link.account:
        connection.execute("DELETE FROM links WHERE account = ?", (link.account,))
    connection.execute("INSERT INTO links VALUES (?,?,?)", (link.digest, link.account, link.until))


def _link(rows: list[apsw.SQLiteValues]) -> Link | None:
    return Link(*cast("tuple[str, str, int]", rows[0])) if rows else None


def _find_link(connection: apsw.Connection, digest: str, now: int) -> Link | None:
    statement = "SELECT digest, account, until FROM links WHERE digest = ? AND until > ?"
    return _link(connection.execute(statement, (digest, now)).fetchall())


def _spend_link(connection: apsw.Connection, digest: str, now: int) -> Link | None:
    statement = "DELETE FROM links WHERE digest = ? AND until > ? RETURNING digest, account, until"
    return _link(connection.execute(statement, (digest, now)).fetchall())


def _open_session(connection: apsw.Connection, session: Session) -> None:
    row = astuple(session)
    connection.execute(_OPEN, row)
    if not connection.changes():
        raise NotFound("user", session.account)


def _find_session(connection: apsw.Connection, digest: str) -> tuple[Session, User] | None:
    statement = (
        f"SELECT {_SESSION}, {_USER} FROM sessions s JOIN users u ON u.account = s.account WHERE s.digest = ?"
    )
    rows = connection.execute(statement, (digest,)).fetchall()
    return (_session(rows[0][:7]), _user(rows[0][7:])) if rows else None


def _sessions_of(connection: apsw.Connection, account: str) -> list[Session]:
    statement = f"SELECT {_SESSION} FROM sessions s WHERE account = ? ORDER BY opened_at DESC, digest"
    return [_session(row) for row in connection.execute(statement, (account,)).fetchall()]


def _get_tries(connection: apsw.Connection, key: str) -> Tries | None:
    rows = connection.execute("SELECT count, last_at FROM tries WHERE key = ?", (key,)).fetchall()
    return Tries(*cast("tuple[int, int]", rows[0])) if rows else None


def _swap_tries(connection: apsw.Connection, key: str, before: Tries | None, after: Tries | None) -> bool:
    if _get_tries(connection, key) != before:
        return False
    if after is None:
        connection.execute("DELETE FROM tries WHERE key = ?", (key,))
    else:
        connection.execute("INSERT OR REPLACE INTO tries VALUES (?,?,?)", (key, after.count, after.last_at))
    return True
