"""Files made unreadable for everybody but those who hold a key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol


class Encrypting(Protocol):
    """Encrypts streams with OpenPGP (RFC 9580)."""

    def problem(self, key: str) -> str:
        """What is wrong with a public key as ASCII-armoured text, in a sentence; empty where it can be used."""
        ...

    def encrypt(self, pieces: AsyncIterator[bytes], keys: Sequence[str]) -> AsyncIterator[bytes]:
        """The encrypted stream, binary, piece by piece in flat memory; each of the keys' owners can read it.

        What `pieces` raises is passed on.  Raises `Terminal` where a key cannot be used (or what is needed is not
        installed), and `Retriable` where it broke off.
        """
        ...
