"""How often something may happen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` calls in `seconds`."""

    count: int
    seconds: int
