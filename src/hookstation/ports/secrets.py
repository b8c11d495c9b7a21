"""Secrets at rest."""

from __future__ import annotations

from typing import Protocol

from hookstation.core.values import Secret


class Vault(Protocol):
    """Seals secrets under the station's master key."""

    @property
    def fingerprint(self) -> str:
        """A public name of the master key; the same key always has the same one."""
        ...

    def seal(self, secret: Secret, purpose: str) -> str:
        """Encrypt for storage. `purpose` is bound in: what was sealed for one cannot be opened for another."""
        ...

    def open(self, sealed: str, purpose: str, reference: str = "") -> Secret:
        """The secret again. Raises `SecretError` where the key, the purpose or the text is not the same."""
        ...
