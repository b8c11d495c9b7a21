"""What the store keeps of who may ask: people, where they are signed in, how often somebody tried, and keys of the API.

What is `account` is `core.people.account_of` an e-mail address; times are microseconds since the epoch, UTC.  Digests
are SHA-256 in hexadecimal: what they are digests of is never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hookstation.core.people import account_of
from hookstation.core.throttle import Tries


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `email` as it was written; `password` an Argon2id digest, empty where none is set."""

    email: str
    role: str
    password: str
    disabled: bool
    created_at: int
    changed_at: int

    @property
    def account(self) -> str:
        """What the user is found by."""
        return account_of(self.email)

    def __repr__(self) -> str:
        return f"User({self.email!r}, {self.role!r})"


@dataclass(frozen=True, slots=True)
class UserChange:
    """What to change of a user at `at`; ``None`` leaves it."""

    at: int
    password: str | None = None
    role: str | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which somebody signed in. `agent` is what it calls itself; at `until` it ends in any case."""

    digest: str
    account: str
    address: str
    agent: str
    opened_at: int
    seen_at: int
    until: int


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link. It sets the password of `account`; where that is empty, it makes the first user."""

    digest: str
    account: str
    until: int


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of the API. `digest` is the SHA-256 of the key; the key itself is never stored."""

    name: str
    role: str
    digest: str
    created_at: int


class People(Protocol):
    """Users and their one-time links."""

    async def add_user(self, user: User, *, first: bool = False) -> None:
        """Keep a user. Raises `Conflict` where the account is there, or where `first` and there is any."""
        ...

    async def users(self) -> Sequence[User]:
        """All users by account, in the order of its code points."""
        ...

    async def get_user(self, account: str) -> User | None:
        """One user, or ``None``."""
        ...

    async def change_user(self, account: str, change: UserChange) -> User | None:
        """Change a user and return what it is now; ``None`` where there is none.

        With a new password, or where the user becomes disabled, sessions and links of the account end in the same
        transaction.
        """
        ...

    async def remove_user(self, account: str) -> bool:
        """Forget a user with sessions and links, in one transaction; false where there is none."""
        ...

    async def add_link(self, link: Link) -> None:
        """Keep a one-time link, in the place of those that its account had; links of no account keep one another."""
        ...

    async def find_link(self, digest: str, now: int) -> Link | None:
        """A link that still works, which it does until it is spent."""
        ...

    async def spend_link(self, digest: str, now: int) -> Link | None:
        """Take a link: of several who take it at once one gets it, the others ``None``."""
        ...


class Sessions(Protocol):
    """Who is signed in, and how often somebody tried."""

    async def open_session(self, session: Session) -> None:
        """Keep a session. Raises `NotFound` where its account is not there, or is disabled."""
        ...

    async def find_session(self, digest: str) -> tuple[Session, User] | None:
        """A session with whose it is, also one that is over; ``None`` where it was ended."""
        ...

    async def touch_session(self, digest: str, at: int) -> None:
        """Say that a session was seen; it never seems seen earlier than it was."""
        ...

    async def sessions_of(self, account: str) -> Sequence[Session]:
        """The sessions of an account, the newest first, then by digest."""
        ...

    async def end_session(self, digest: str) -> bool:
        """End a session; false where it was not there."""
        ...

    async def end_sessions_of(self, account: str, but: str = "") -> int:
        """End the sessions of an account except the one with the digest `but`; how many there were."""
        ...

    async def get_tries(self, key: str) -> Tries | None:
        """How often somebody tried in vain under this key."""
        ...

    async def swap_tries(self, key: str, before: Tries | None, after: Tries | None) -> bool:
        """Put `after` in the place of `before`, ``None`` being nothing; false where `before` does not stand there."""
        ...

    async def forget_people(self, now: int, idle_since: int, tried_before: int) -> int:
        """Forget sessions that ended by `now` or were not seen after `idle_since`, links that ended by `now`, and tries
        whose last was before `tried_before`. Returns how many."""
        ...
