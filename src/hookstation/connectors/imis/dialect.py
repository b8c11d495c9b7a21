"""The one place that knows how an activity's fields are called on the wire.

The person is ``PartyId``, on some platforms ``ID``; other columns have been seen under their own names only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

AUTO: Final = "auto"
PERSON: Final = "ID"
"""The person's id among the canonical field names."""

USUAL: Final[Mapping[str, str]] = {PERSON: "PartyId"}


class Dialect:
    """The name that was configured, or else the names learned from the target's description of its activity.

    Names: canonical field name → property, where they differ; the person's id always.
    """

    def __init__(self, configured: str) -> None:
        self._fixed = configured != AUTO
        self._names: Mapping[str, str] = {PERSON: configured} if self._fixed else {}

    def learn(self, names: Mapping[str, str]) -> None:
        """Take what the target's description says; where it does not name the person, the usual name is taken."""
        if not self._fixed:
            self._names = {**USUAL, **names}

    async def names(self, ask: Callable[[], Awaitable[Mapping[str, str]]]) -> Mapping[str, str]:
        """The names; `ask` is called the first time. What it raises is raised: nothing was sent yet."""
        if not self._names:
            self.learn(await ask())
        return self._names
