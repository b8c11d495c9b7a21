"""What a person is shown of the settings that a process runs with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A setting for people: its value with what is secret masked, and where that came from."""

    name: str
    value: str
    source: str
    help: str
