"""Keys of the API: made, shown once, known again by their digest, revoked."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from hookstation.core.people import check_role
from hookstation.errors import Invalid, NotFound, Problem
from hookstation.ports.clock import Clock
from hookstation.ports.people import ApiKey
from hookstation.ports.store import Settings

PREFIX: Final = "hsk_"
LONGEST_NAME: Final = 64


class Keys:
    """Adds keys, recognises and revokes them."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock

    async def add(self, name: str, role: str) -> str:
        """A new key, told this once. Raises `Invalid` for a role that is not there, `Conflict` for a taken name."""
        role = check_role(role).value
        if not name or len(name) > LONGEST_NAME or not name.isprintable() or "/" in name:
            raise Invalid(
                [Problem(("name",), f"must have 1 to {LONGEST_NAME} printable characters, no “/”.")]
            )
        key = PREFIX + secrets.token_urlsafe(32)
        await self._settings.add_key(ApiKey(name, role, digest(key), self._clock.now()))
        return key

    async def revoke(self, name: str) -> None:
        """From now on the key opens nothing, on any node: each looks it up at every call. Raises `NotFound`."""
        if not await self._settings.remove_key(name):
            raise NotFound("key", name)

    async def find(self, key: str) -> ApiKey | None:
        """The key's entry, ``None`` where it is not one of ours."""
        wanted = digest(key)
        for known in await self._settings.keys():
            if hmac.compare_digest(known.digest, wanted):
                return known
        return None

    async def list(self) -> Sequence[ApiKey]:
        """All keys, without what would open them."""
        return await self._settings.keys()


def digest(key: str) -> str:
    """What is stored of a key: it has 256 random bits, so a plain hash is enough."""
    return sha256(key.encode()).hexdigest()
