"""Hashing passwords, which is slow and takes memory on purpose."""

from __future__ import annotations

from typing import Protocol


class Passwords(Protocol):
    """Hashes a few at a time, off the event loop. Raises `TooBusy` where too many wait already."""

    async def hash(self, password: str) -> str:
        """A digest with its own salt and parameters."""
        ...

    async def verify(self, digest: str, password: str) -> bool:
        """Whether `digest` is of this password. An empty digest is of none, and takes as long to find out."""
        ...

    def is_outdated(self, digest: str) -> bool:
        """Whether the password should be hashed anew, with the parameters of now."""
        ...
