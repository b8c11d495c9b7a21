"""People, their sessions and links, and the tries of the in-memory twin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hookstation.core.throttle import Tries
from hookstation.errors import Conflict, NotFound, StoreUnavailable
from hookstation.ports.people import Link, Session, User, UserChange


class MemoryPeople:
    """Implements `ports.people`. Set `unavailable` to a sentence to have every change refused with it."""

    unavailable: str

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._sessions: dict[str, Session] = {}
        self._links: dict[str, Link] = {}
        self._tries: dict[str, Tries] = {}

    async def add_user(self, user: User, *, first: bool = False) -> None:
        """Keep a user."""
        self._check_people()
        if first and self._users:
            raise Conflict("There is a user already: sign in, or have a user added.")
        if user.account in self._users:
            raise Conflict(f"There is a user “{user.email}” already.")
        self._users[user.account] = user

    async def users(self) -> Sequence[User]:
        """All users."""
        return [self._users[account] for account in sorted(self._users)]

    async def get_user(self, account: str) -> User | None:
        """One user."""
        return self._users.get(account)

    async def change_user(self, account: str, change: UserChange) -> User | None:
        """Change a user."""
        self._check_people()
        old = self._users.get(account)
        if old is None:
            return None
        self._users[account] = new = replace(
            old,
            password=old.password if change.password is None else change.password,
            role=old.role if change.role is None else change.role,
            disabled=old.disabled if change.disabled is None else change.disabled,
            changed_at=change.at,
        )
        if change.password is not None or change.disabled:
            self._end_all(account)
        return new

    async def remove_user(self, account: str) -> bool:
        """Forget a user."""
        self._check_people()
        self._end_all(account)
        return self._users.pop(account, None) is not None

    async def add_link(self, link: Link) -> None:
        """Keep a one-time link."""
        self._check_people()
        others = [one.digest for one in self._links.values() if link.account and one.account == link.account]
        for digest in others:
            del self._links[digest]
        self._links[link.digest] = link

    async def find_link(self, digest: str, now: int) -> Link | None:
        """A link that still works."""
        link = self._links.get(digest)
        return link if link and link.until > now else None

    async def spend_link(self, digest: str, now: int) -> Link | None:
        """Take a link."""
        self._check_people()
        link = await self.find_link(digest, now)
        return self._links.pop(digest) if link else None

    async def open_session(self, session: Session) -> None:
        """Keep a session."""
        self._check_people()
        user = self._users.get(session.account)
        if user is None or user.disabled:
            raise NotFound("user", session.account)
        self._sessions[session.digest] = session

    async def find_session(self, digest: str) -> tuple[Session, User] | None:
        """A session with whose it is."""
        session = self._sessions.get(digest)
        return (session, self._users[session.account]) if session else None

    async def touch_session(self, digest: str, at: int) -> None:
        """Say that a session was seen."""
        self._check_people()
        if (session := self._sessions.get(digest)) is not None:
            self._sessions[digest] = replace(session, seen_at=max(session.seen_at, at))

    async def sessions_of(self, account: str) -> Sequence[Session]:
        """The sessions of an account."""
        found = [one for one in self._sessions.values() if one.account == account]
        return sorted(found, key=lambda one: (-one.opened_at, one.digest))

    async def end_session(self, digest: str) -> bool:
        """End a session."""
        self._check_people()
        return self._sessions.pop(digest, None) is not None

    async def end_sessions_of(self, account: str, but: str = "") -> int:
        """End the sessions of an account."""
        self._check_people()
        gone = [one.digest for one in await self.sessions_of(account) if one.digest != but]
        for digest in gone:
            del self._sessions[digest]
        return len(gone)

    async def get_tries(self, key: str) -> Tries | None:
        """How often somebody tried in vain."""
        return self._tries.get(key)

    async def swap_tries(self, key: str, before: Tries | None, after: Tries | None) -> bool:
        """Put tries in the place of those that were read."""
        self._check_people()
        if self._tries.get(key) != before:
            return False
        if after is None:
            self._tries.pop(key, None)
        else:
            self._tries[key] = after
        return True

    async def forget_people(self, now: int, idle_since: int, tried_before: int) -> int:
        """Forget what is over."""
        self._check_people()
        sessions = [s.digest for s in self._sessions.values() if s.until <= now or s.seen_at <= idle_since]
        links = [link.digest for link in self._links.values() if link.until <= now]
        tries = [key for key, one in self._tries.items() if one.last_at < tried_before]
        for digest in sessions:
            del self._sessions[digest]
        for digest in links:
            del self._links[digest]
        for key in tries:
            del self._tries[key]
        return len(sessions) + len(links) + len(tries)

    def _end_all(self, account: str) -> None:
        self._sessions = {digest: one for digest, one in self._sessions.items() if one.account != account}
        self._links = {digest: one for digest, one in self._links.items() if one.account != account}

    def _check_people(self) -> None:
        if self.unavailable:
            raise StoreUnavailable(self.unavailable)
