"""Passwords hashed with Argon2id (RFC 9106) by argon2-cffi."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hookstation.errors import TryLater

MEMORY_KIB: Final = 46 * 1024
PASSES: Final = 2
AT_ONCE: Final = 2
"""Hashes at work at once: with the memory of each, the most that signing in can take (92 MiB)."""

MOST_WAITING: Final = 32
BUSY: Final = "Too many people sign in at once: try again in a moment."

Result = TypeVar("Result")


class Argon2Passwords:
    """Implements `ports.passwords.Passwords`. `memory_kib` and `passes` say what a hash costs."""

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._threads = ThreadPoolExecutor(AT_ONCE, "hookstation-password")
        self._waiting = 0
        self._of_nobody = ""

    async def hash(self, password: str) -> str:
        """A digest with its own salt and parameters."""
        return await self._in_thread(lambda: self._hasher.hash(_bytes(password)))

    async def verify(self, digest: str, password: str) -> bool:
        """Whether `digest` is of this password."""
        if not self._of_nobody:  # for everybody's first, so that it tells nothing of who asks
            self._of_nobody = await self.hash(secrets.token_urlsafe())
        is_right = await self._in_thread(lambda: self._is_right(digest or self._of_nobody, password))
        return is_right and bool(digest)

    def is_outdated(self, digest: str) -> bool:
        """Whether it was made with other parameters."""
        return self._hasher.check_needs_rehash(digest)

    def _is_right(self, digest: str, password: str) -> bool:
        try:
            return self._hasher.verify(digest, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= MOST_WAITING:
            raise TryLater(2, BUSY)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _bytes(password: str) -> bytes:
    """In one form, since keyboards differ in how they compose letters (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
