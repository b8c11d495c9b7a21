"""A name that a template reads."""

from __future__ import annotations

from dataclasses import dataclass

from hookstation.core.template.paths import Path


@dataclass(frozen=True, slots=True)
class Name:
    """A property that a template reads, and the offset at which it says so.

    A part that is `ANY` stands for any element.  `liquid`: the notation in which ``size``, ``first`` and ``last``
    work on arrays.
    """

    path: Path
    position: int
    liquid: bool = False
