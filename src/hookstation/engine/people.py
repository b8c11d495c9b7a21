"""Who may sign in: users, and the one-time links by which they set their passwords."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.people import Role, account_of, check_email, check_password, check_role
from hookstation.core.throttle import SECOND
from hookstation.engine.keys import digest
from hookstation.errors import Conflict, NotFound
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.passwords import Passwords
from hookstation.ports.people import Link, People, User, UserChange

LINK_SECONDS: Final = 24 * 3_600
SETUP: Final = "/setup/"
PASSWORD: Final = "/password/"  # noqa: S105 -- a path

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time link, told this once: its path, and until when it works (microseconds since the epoch)."""

    user: User
    path: str
    until: int


class Users:
    """Adds, changes and removes users.

    Nobody else ever knows a password: a user who is added, or whose password is reset, gets a link to set one.
    """

    def __init__(self, people: People, passwords: Passwords, clock: Clock, events: EventLog) -> None:
        self._people, self._passwords, self._clock, self._log = people, passwords, clock, events

    async def list(self) -> Sequence[User]:
        """All users."""
        return await self._people.users()

    async def get(self, email: str) -> User:
        """One user. Raises `NotFound`."""
        user = await self._people.get_user(account_of(email))
        if user is None:
            raise NotFound("user", email)
        return user

    async def add(self, email: str, role: str) -> Invitation:
        """A new user, who sets a password by the link. Raises `Invalid`, and `Conflict` where there is one."""
        user = self._new(check_email(email), check_role(role), "")
        await self._people.add_user(user)
        self._log.write("user_added", user=user.email, role=user.role)
        return await self._invite(user)

    async def reset(self, email: str) -> Invitation:
        """A link by which a user sets a new password; the old one works until then.

        Raises `NotFound`, and `Conflict` where the user is disabled.
        """
        user = await self.get(email)
        if user.disabled:
            raise Conflict(f"The user “{user.email}” is disabled: enable it first.")
        self._log.write("password_link_made", user=user.email)
        return await self._invite(user)

    async def change(self, email: str, *, role: str | None = None, disabled: bool | None = None) -> User:
        """Give another role, disable or enable. Raises `Invalid`, `NotFound`, and `Conflict` for the last one."""
        user = await self.get(email)
        role = None if role is None else check_role(role)
        if disabled or (role is not None and role != Role.ADMINISTRATOR):
            await self._see_to_others(user)
        changed = await self._people.change_user(
            user.account, UserChange(self._clock.now(), None, role, disabled)
        )
        if changed is None:
            raise NotFound("user", email)
        self._log.write("user_changed", user=changed.email, role=changed.role, disabled=changed.disabled)
        return changed

    async def remove(self, email: str) -> None:
        """Forget a user. Raises `NotFound`, and `Conflict` for the last one."""
        user = await self.get(email)
        await self._see_to_others(user)
        if not await self._people.remove_user(user.account):
            raise NotFound("user", email)
        self._log.write("user_removed", user=user.email)

    async def offer_setup(self) -> str:
        """The path on which the first user is made, where there is none; else an empty text."""
        if await self._people.users():
            return ""
        path, _ = await self._link(SETUP, "")
        return path

    async def is_offered(self, token: str) -> bool:
        """Whether this is a link on which the first user can be made now."""
        link = await self._people.find_link(digest(token), self._clock.now())
        return link is not None and not link.account and not await self._people.users()

    async def set_up(self, token: str, email: str, password: str) -> User:
        """Make the first administrator. Raises `Invalid`, and `Conflict` where the link does not work any more."""
        email = check_email(email)
        check_password(password, email)
        if not await self.is_offered(token):
            raise _gone()
        user = self._new(email, Role.ADMINISTRATOR, await self._passwords.hash(password))
        if await self._people.spend_link(digest(token), self._clock.now()) is None:
            raise _gone()
        await self._people.add_user(user, first=True)
        self._log.write("user_added", user=user.email, role=user.role, first=True)
        return user

    async def invited(self, token: str) -> User:
        """Whose password a link sets. Raises `Conflict` where it does not work any more."""
        link = await self._people.find_link(digest(token), self._clock.now())
        user = await self._people.get_user(link.account) if link and link.account else None
        if user is None or user.disabled:
            raise _gone()
        return user

    async def set_password(self, token: str, password: str) -> User:
        """Set a password by a link, once. Raises `Invalid`, and `Conflict` where the link does not work any more."""
        user = await self.invited(token)
        check_password(password, user.email)
        hashed = await self._passwords.hash(password)
        if await self._people.spend_link(digest(token), self._clock.now()) is None:
            raise _gone()
        changed = await self._people.change_user(user.account, UserChange(self._clock.now(), hashed))
        if changed is None:
            raise _gone()
        self._log.write("password_set", user=changed.email)
        return changed

    def _new(self, email: str, role: Role, password: str) -> User:
        now = self._clock.now()
        return User(email, role.value, password, False, now, now)

    async def _invite(self, user: User) -> Invitation:
        path, until = await self._link(PASSWORD, user.account)
        return Invitation(user, path, until)

    async def _link(self, place: str, account: str) -> tuple[str, int]:
        token, until = secrets.token_urlsafe(32), self._clock.now() + LINK_SECONDS * SECOND
        await self._people.add_link(Link(digest(token), account, until))
        return place + token, until

    async def _see_to_others(self, user: User) -> None:
        """Whether somebody else can still let people in."""
        others = [one for one in await self._people.users() if one.account != user.account]
        if _administers(user) and not any(map(_administers, others)):
            raise Conflict(
                f"“{user.email}” is the last administrator who can sign in: add another one first."
            )


def _administers(user: User) -> bool:
    return user.role == Role.ADMINISTRATOR and bool(user.password) and not user.disabled


def _gone() -> Conflict:
    return Conflict(
        "This link does not work any more: it was used, its time is over, or a newer one replaced it."
    )
