"""What the counted tests found, for `docs/reliability.md`."""

from __future__ import annotations

import os
from pathlib import Path


def tell(what: str, rounds: int, acknowledged: int, lost: int, doubled: int) -> None:
    """Add a line to the file that HOOKSTATION_SOAK_COUNTS names, where it names one."""
    line = f"| {what} | {rounds} | {acknowledged:,} | {lost} | {doubled} |"
    print(line)
    if place := os.environ.get("HOOKSTATION_SOAK_COUNTS"):
        with Path(place).open("a") as file:
            file.write(line + "\n")
