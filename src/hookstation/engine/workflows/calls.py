"""One-time URLs of steps that wait for a call: made from the run's id and the step's path under a key of the station.

Nothing is stored of a URL but the digest of its token, and that only while its step waits.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

from hookstation.core.values import JSON, Secret
from hookstation.core.workflows.compiled import CompiledStep, CompiledWorkflow
from hookstation.core.workflows.paths import in_block, turns_on
from hookstation.ports.clock import Identifiers
from hookstation.ports.secrets import Vault
from hookstation.ports.store import Settings

KEY: Final = "key of one-time URLs"
"""The fact that holds the key, sealed; made when the first URL is."""

ROAD: Final = "/hooks/waits/"


class CallTokens:
    """Makes tokens. `ready` is awaited once before the first one is made."""

    def __init__(self, settings: Settings, vault: Vault, identifiers: Identifiers, base_url: str) -> None:
        self._settings, self._vault, self._identifiers = settings, vault, identifiers
        self._base_url = base_url.rstrip("/")
        self._key = b""

    @property
    def is_ready(self) -> bool:
        """Whether the key is known here."""
        return bool(self._key)

    async def ready(self) -> None:
        """Get the key; of several nodes the first one makes it. Raises `StoreUnavailable`, `SecretError`."""
        if self._key:
            return
        sealed = await self._settings.get_fact(KEY)
        if not sealed:
            fresh = self._identifiers.token() + self._identifiers.token()
            sealed = await self._settings.claim_fact(KEY, self._vault.seal(Secret(fresh), KEY))
        self._key = self._vault.open(sealed, KEY).reveal().encode()

    def token(self, run_id: str, path: str) -> str:
        """256 bits that only this station can make."""
        assert self._key, "ready() was not awaited"
        made = hmac.digest(self._key, f"{run_id}\n{path}".encode(), "sha256")
        return urlsafe_b64encode(made).rstrip(b"=").decode()

    def url(self, run_id: str, path: str) -> str:
        """Where the call is to go."""
        return f"{self._base_url}{ROAD}{self.token(run_id, path)}"

    def urls(self, calls: Sequence[tuple[str, str]], run_id: str, path: str) -> dict[str, JSON]:
        """The URLs of all steps that wait for a call, as the step at `path` sees them: in a loop those of its turn."""
        turns = dict(turns_on(path))
        found: dict[str, JSON] = {}
        for name, place in calls:
            found[name] = self.url(run_id, in_turns(place, turns))
        return found

    def digest(self, run_id: str, path: str) -> bytes:
        """What the store keeps of the token."""
        return digest_of(self.token(run_id, path))


def digest_of(token: str) -> bytes:
    """What the store knows a token by."""
    return sha256(token.encode()).digest()


def plan_calls(plan: CompiledWorkflow) -> list[tuple[str, str]]:
    """The steps that wait for a call, each with its path; turns of loops stand there as ``[]``."""
    return list(_calls(plan.steps, ""))


def _calls(steps: Sequence[CompiledStep], prefix: str) -> Iterator[tuple[str, str]]:
    for step in steps:
        path = prefix + step.name
        if step.type == "wait" and step.static.get("call") is True:
            yield step.name, path
        for name, block in step.blocks.items():
            yield from _calls(block, f"{path}[]/" if step.type == "for_each" else in_block(path, name))


def in_turns(place: str, turns: Mapping[str, int]) -> str:
    """A path with its turns filled in where they are known; the first turn stands for any other."""
    pieces = place.split("[]")
    path = pieces[0]
    for piece in pieces[1:]:
        path = f"{path}[{turns.get(path, 0)}]{piece}"
    return path
