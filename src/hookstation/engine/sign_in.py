"""Signing in and out, and who it is that asks."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.people import LONGEST_PASSWORD, account_of, check_password
from hookstation.core.throttle import OF_ACCOUNT, OF_ADDRESS, SECOND
from hookstation.engine.gates import Gates, gate_of_account, gate_of_address
from hookstation.engine.keys import digest
from hookstation.errors import AuthenticationFailed, Invalid, NotFound, Problem, StoreError, TryLater
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.passwords import Passwords
from hookstation.ports.people import People, Session, Sessions, User, UserChange
from hookstation.ports.store import Store

TOUCH_AFTER: Final = 60 * SECOND
"""How old what is known of a session's last use may become: not every page is worth a commit."""

ROUND_SECONDS: Final = 600.0
LONGEST_AGENT: Final = 200
TRIES_KEPT: Final = max(OF_ACCOUNT.forgotten, OF_ADDRESS.forgotten) * SECOND

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lasts, and how long it may rest: seconds."""

    seconds: int = 12 * 3_600
    idle_seconds: int = 2 * 3_600


@dataclass(frozen=True, slots=True)
class Browser:
    """From where somebody signs in: the sender's address, and what the browser calls itself."""

    address: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in."""

    session: Session
    user: User


class SignIn:
    """Opens and ends sessions. Their tokens have 256 random bits; only digests of them are stored."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        clock: Clock,
        events: EventLog,
        lifetime: Lifetime | None = None,
    ) -> None:
        self._people: People = store
        self._sessions: Sessions = store
        self._passwords, self._clock, self._log = passwords, clock, events
        self._gates = Gates(store, clock)
        self.lifetime = lifetime or Lifetime()

    async def sign_in(self, email: str, password: str, browser: Browser, before: str = "") -> str:
        """The token of a new session; the one with the token `before` ends.

        Raises `AuthenticationFailed`, which tells its caller nothing of whether the account is there, and `TryLater`.
        """
        account = account_of(email)
        user = await self._check(account, password, browser)
        if user is None:
            raise AuthenticationFailed("E-mail address or password is wrong.")
        return await self.open(user, browser, before)

    async def _check(self, account: str, password: str, browser: Browser) -> User | None:
        """The user where the password is right. Takes as long where there is none."""
        at_account, at_address = gate_of_account(account), gate_of_address(browser.address)
        user = await self._people.get_user(account) if account.isprintable() else None
        try:
            await self._gates.enter([at_account, at_address])
        except TryLater as refusal:
            self._tell_refusal("throttled", user, browser, wait=refusal.seconds)
            raise
        usable = user is not None and not user.disabled
        stored = user.password if user is not None and usable else ""
        is_right = _fits(password) and await self._passwords.verify(stored, password)
        if user is None or not is_right:
            self._tell_refusal(_reason(user), user, browser)
            return None
        await self._gates.forget(at_account)
        await self._gates.forgive(at_address)
        if self._passwords.is_outdated(stored):
            return await self._renew(user, password)
        return user

    async def open(self, user: User, browser: Browser, before: str = "") -> str:
        """The token of a new session of a user who has proven to be it; the one with the token `before` ends."""
        if before:
            await self._sessions.end_session(digest(before))
        token, now = secrets.token_urlsafe(32), self._clock.now()
        agent = "".join(char for char in browser.agent[:LONGEST_AGENT] if char.isprintable())
        until = now + self.lifetime.seconds * SECOND
        session = Session(digest(token), user.account, browser.address, agent, now, now, until)
        try:
            await self._sessions.open_session(session)
        except NotFound as failure:
            raise AuthenticationFailed("E-mail address or password is wrong.") from failure
        self._log.write("signed_in", user=user.email, address=browser.address)
        return token

    async def find(self, token: str) -> SignedIn | None:
        """Who has this token, ``None`` where its session is over."""
        found = await self._sessions.find_session(digest(token)) if token else None
        if found is None:
            return None
        session, user = found
        now = self._clock.now()
        if user.disabled or self._is_over(session, now):
            await self._sessions.end_session(session.digest)
            self._log.write("session_expired", user=user.email, address=session.address)
            return None
        if now - session.seen_at >= TOUCH_AFTER:
            await self._sessions.touch_session(session.digest, now)
        return SignedIn(session, user)

    def _is_over(self, session: Session, now: int) -> bool:
        return now >= session.until or now - session.seen_at >= self.lifetime.idle_seconds * SECOND

    async def sign_out(self, who: SignedIn) -> None:
        """End the session."""
        await self._sessions.end_session(who.session.digest)
        self._log.write("signed_out", user=who.user.email, address=who.session.address)

    async def change_password(self, who: SignedIn, current: str, new: str, browser: Browser) -> str:
        """Set another password. All sessions end; returns the token of a new one.

        Raises `Invalid` where the current password is wrong or the new one will not do, and `TryLater`.
        """
        check_password(new, who.user.email)
        if await self._check(who.user.account, current, browser) is None:
            raise Invalid([Problem(("current",), "is not your current password.")])
        change = UserChange(self._clock.now(), await self._passwords.hash(new))
        user = await self._people.change_user(who.user.account, change)
        if user is None:
            raise NotFound("user", who.user.email)
        self._log.write("password_changed", user=user.email, address=browser.address)
        return await self.open(user, browser)

    async def sessions_of(self, account: str) -> Sequence[Session]:
        """The sessions of an account that go on, the newest first."""
        now = self._clock.now()
        return [one for one in await self._sessions.sessions_of(account) if not self._is_over(one, now)]

    async def end(self, account: str, session: str) -> None:
        """End the session with this digest, where it is the account's. Raises `NotFound`."""
        if session not in {one.digest for one in await self._sessions.sessions_of(account)}:
            raise NotFound("session", session)
        await self._sessions.end_session(session)
        self._log.write("session_ended", user=account)

    async def end_all(self, account: str, but: str = "") -> int:
        """End the sessions of an account except the one with the digest `but`; how many ended."""
        ended = await self._sessions.end_sessions_of(account, but)
        self._log.write("sessions_ended", user=account, count=ended)
        return ended

    async def run(self) -> None:
        """Forget what is over, until cancelled."""
        while True:
            now = self._clock.now()
            idle_since = now - self.lifetime.idle_seconds * SECOND
            try:
                await self._sessions.forget_people(now, idle_since, now - TRIES_KEPT)
            except StoreError as failure:
                log.error("sessions that are over were not forgotten: %s", failure.message)
            await self._clock.sleep(ROUND_SECONDS)

    async def _renew(self, user: User, password: str) -> User:
        """Hash a password anew, with the parameters of now; sessions of the account end by it."""
        change = UserChange(self._clock.now(), await self._passwords.hash(password))
        return await self._people.change_user(user.account, change) or user

    def _tell_refusal(self, reason: str, user: User | None, browser: Browser, **more: int) -> None:
        """What was typed for an account that is not there is not logged: it may be a password."""
        name = user.email if user else ""
        self._log.write("sign_in_refused", reason=reason, user=name, address=browser.address, **more)


def _fits(password: str) -> bool:
    return len(password.encode("utf-8", "surrogatepass")) <= LONGEST_PASSWORD


def _reason(user: User | None) -> str:
    """For the log only."""
    if user is None:
        return "unknown"
    if user.disabled:
        return "disabled"
    return "password" if user.password else "no password yet"
