"""Keys of the API and small facts of the in-memory twin."""

from __future__ import annotations

from collections.abc import Sequence

from hookstation.errors import Conflict
from hookstation.ports.people import ApiKey


class MemoryFacts:
    """Implements the keys and facts of `ports.store.Settings`."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._facts: dict[str, str] = {}

    def _check(self) -> None: ...

    async def add_key(self, key: ApiKey) -> None:
        """Keep a key."""
        self._check()
        if key.name in self._keys:
            raise Conflict(f"There is a key “{key.name}” already: choose another name.")
        self._keys[key.name] = key

    async def remove_key(self, name: str) -> bool:
        """Forget a key."""
        self._check()
        return self._keys.pop(name, None) is not None

    async def keys(self) -> Sequence[ApiKey]:
        """All keys by name."""
        return [self._keys[name] for name in sorted(self._keys)]

    async def get_fact(self, name: str) -> str:
        """A small fact."""
        return self._facts.get(name, "")

    async def set_fact(self, name: str, value: str) -> None:
        """Keep a small fact."""
        self._check()
        self._facts[name] = value

    async def claim_fact(self, name: str, value: str) -> str:
        """Keep a small fact that is unset."""
        self._check()
        return self._facts.setdefault(name, value)
