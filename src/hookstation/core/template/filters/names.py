"""Names of days and months, and small things that both kinds of date formats write."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def hour12(at: datetime) -> int:
    """The hour on a clock face: 1 to 12."""
    return at.hour % 12 or 12


def offset_text(at: datetime, colon: str = ":", *, missing: str = "+00:00") -> str:
    """The distance from UTC, ``-06:00``; `missing` where the moment has no zone."""
    away = at.utcoffset()
    if away is None:
        return missing.replace(":", colon)
    minutes = abs(away) // timedelta(minutes=1)
    return f"{'-' if away < timedelta() else '+'}{minutes // 60:02}{colon}{minutes % 60:02}"
