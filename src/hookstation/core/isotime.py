"""Dates and date-times as text: ISO 8601 in the profile of RFC 3339, with the zone and the seconds optional."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

LONGEST: Final = 64

_ISO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or date-time that was written. `at` has whole seconds, and a zone only where the text has one.

    `fraction`: the digits after the seconds as they were written.  `dated`: the text is a date alone.
    """

    at: datetime
    fraction: str = ""
    dated: bool = False

    def local(self, zone: ZoneInfo) -> datetime:
        """The local time in `zone`, without one. Raises `OverflowError` at the ends of the calendar."""
        return self.at if self.at.tzinfo is None else self.at.astimezone(zone).replace(tzinfo=None)


def read_moment(text: str) -> Moment | None:
    """The date or date-time that `text` is, all of it; ``None`` where it is none or does not exist."""
    found = _ISO.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        zone = _zone(offset) if offset else None
        at = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=zone
        )
    except ValueError:
        return None
    return Moment(at, fraction or "", hour is None)


def is_plain_date(text: str) -> bool:
    """Whether the text is a day just as a record has it; false says nothing."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-" or not text.isascii():
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_plain_moment(text: str, *, zoned: bool) -> bool:
    """Whether the first 19 characters are the moment just as a record in UTC has it; false says nothing.

    `zoned`: ``Z`` may follow.
    """
    if len(text) != 19 and not (zoned and len(text) == 20 and text[19] == "Z"):
        return False
    if text[4:17:3] != "--T::" or not text.isascii():
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _zone(offset: str) -> timezone:
    """Raises `ValueError` beyond a day."""
    if offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "")
    if int(digits[2:] or 0) > 59:
        raise ValueError(offset)
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-away if offset[0] == "-" else away)


def local_text(at: datetime, fraction: str = "") -> str:
    """``2026-11-22T09:30:00``, with the fraction where there is one."""
    text = at.replace(tzinfo=None).isoformat(timespec="seconds")
    return f"{text}.{fraction}" if fraction else text
