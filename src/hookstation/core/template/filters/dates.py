"""Dates as text: ``date`` with the signs of strftime, and ``format`` with those of .NET.

Names of days and months are English.  Both are written out here, sign by sign: the C library's strftime pads to any
width that it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from hookstation.core.isotime import Moment, read_moment
from hookstation.core.template.filters.common import (
    LONGEST_FORMAT,
    FilterFailed,
    is_number,
    number,
    parsed,
    text,
    words_for,
)
from hookstation.core.template.filters.dotnet import format_moment, format_number
from hookstation.core.template.filters.names import DAYS, MONTHS, hour12, offset_text
from hookstation.core.template.scope import instant

_NOW: Final = frozenset({"now", "today"})
_SIGN: Final = re.compile(r"%([-0^_#]?)([1-9]?)([A-Za-z%])", re.ASCII)


def moment_of(value: object, received_at: int) -> Moment | None:
    """The moment that a value stands for: ISO text, seconds since 1970 in UTC, or ``now``: the moment of receipt."""
    if isinstance(value, str):
        if value in _NOW:
            return Moment(instant(received_at).replace(microsecond=0))
        if value.isascii() and value.isdigit() and len(value) > 8:
            return _from_seconds(int(value) if len(value) < 16 else -1)
        return read_moment(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _from_seconds(int(value) if 0 <= value < 10**12 else -1)
    return None


def _from_seconds(seconds: int) -> Moment | None:
    try:
        return Moment(instant(0) + timedelta(seconds=seconds)) if seconds >= 0 else None
    except OverflowError:
        return None


def date(received_at: int, value: object, pattern: object = None) -> object:
    """A date or date-time in a strftime pattern, in the zone that it was written in; nothing stays nothing."""
    if value is None or value == "":
        return ""
    if pattern is None or pattern == "":
        return value
    moment = moment_of(value, received_at)
    if moment is None:
        raise FilterFailed(
            f"an ISO date, a date-time or seconds since 1970 are expected, not {words_for(value)}"
        )
    return strftime(moment, checked(pattern))


def format_(received_at: int, value: object, pattern: object) -> object:
    """A number, a date or a date-time in a .NET format; nothing stays nothing."""
    if value is None or value == "":
        return ""
    written = checked(pattern)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return format_number(Decimal(value), written)
    moment = moment_of(value, received_at) if isinstance(value, str) and not is_number(value) else None
    if moment is not None:
        return format_moment(moment, written)
    if isinstance(value, str) and is_number(value):
        return format_number(Decimal(parsed(value)), written)
    raise FilterFailed(f"a number, an ISO date or a date-time is expected, not {words_for(value)}")


def checked(pattern: object) -> str:
    """The format as text of bounded length."""
    written = text(pattern)
    if len(written) > LONGEST_FORMAT:
        raise FilterFailed(f"a format may have at most {LONGEST_FORMAT} characters")
    return written


def strftime(moment: Moment, pattern: str) -> str:
    """`moment` in a strftime pattern."""

    def write(found: re.Match[str]) -> str:
        flag, width, sign = found.groups()
        if sign in _COMPOUND:
            return strftime(moment, _COMPOUND[sign])
        if sign in "LN":
            digits = int(width or (3 if sign == "L" else 9))
            return moment.fraction.ljust(digits, "0")[:digits]
        if sign == "z":
            return offset_text(moment.at, "" if flag != "_" else ":")
        if sign not in _SIGNS:
            raise FilterFailed(f"the sign %{sign} is not known to “date”")
        return _flagged(_SIGNS[sign](moment.at), flag)

    return _SIGN.sub(write, pattern)


def _flagged(written: str, flag: str) -> str:
    if flag == "-":
        return written.lstrip("0 ") or written[-1:]
    if flag == "^":
        return written.upper()
    if flag == "_":
        bare = written.lstrip("0") or "0"
        return bare.rjust(len(written))
    if flag == "0":
        return written.replace(" ", "0")
    return written.swapcase() if flag == "#" else written


_COMPOUND: Final = {
    "c": "%a %b %e %H:%M:%S %Y", "D": "%m/%d/%y", "F": "%Y-%m-%d", "R": "%H:%M", "r": "%I:%M:%S %p",
    "T": "%H:%M:%S", "X": "%H:%M:%S", "x": "%m/%d/%y", "v": "%e-%b-%Y",
}  # fmt: skip

_SIGNS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "%": lambda _at: "%",
    "A": lambda at: DAYS[at.weekday()],
    "a": lambda at: DAYS[at.weekday()][:3],
    "B": lambda at: MONTHS[at.month - 1],
    "b": lambda at: MONTHS[at.month - 1][:3],
    "C": lambda at: f"{at.year // 100:02}",
    "d": lambda at: f"{at.day:02}",
    "e": lambda at: f"{at.day:2}",
    "G": lambda at: f"{at.isocalendar().year:04}",
    "g": lambda at: f"{at.isocalendar().year % 100:02}",
    "H": lambda at: f"{at.hour:02}",
    "h": lambda at: MONTHS[at.month - 1][:3],
    "I": lambda at: f"{hour12(at):02}",
    "j": lambda at: f"{at.timetuple().tm_yday:03}",
    "k": lambda at: f"{at.hour:2}",
    "l": lambda at: f"{hour12(at):2}",
    "M": lambda at: f"{at.minute:02}",
    "m": lambda at: f"{at.month:02}",
    "n": lambda _at: "\n",
    "P": lambda at: "am" if at.hour < 12 else "pm",
    "p": lambda at: "AM" if at.hour < 12 else "PM",
    "S": lambda at: f"{at.second:02}",
    "s": lambda at: str(_seconds(at)),
    "t": lambda _at: "\t",
    "U": lambda at: f"{(at.timetuple().tm_yday + 6 - (at.weekday() + 1) % 7) // 7:02}",
    "u": lambda at: str(at.isoweekday()),
    "V": lambda at: f"{at.isocalendar().week:02}",
    "W": lambda at: f"{(at.timetuple().tm_yday + 6 - at.weekday()) // 7:02}",
    "w": lambda at: str(at.isoweekday() % 7),
    "Y": lambda at: f"{at.year:04}",
    "y": lambda at: f"{at.year % 100:02}",
    "Z": lambda at: "UTC" if at.tzinfo is not None and not at.utcoffset() else offset_text(at, ":", missing=""),
}  # fmt: skip


def _seconds(at: datetime) -> int:
    aware = at if at.tzinfo is not None else at.replace(tzinfo=instant(0).tzinfo)
    return int(number(int((aware - instant(0)) // timedelta(seconds=1))))


DATE_FILTERS: Final[dict[str, Callable[..., object]]] = {"date": date, "format": format_}
"""Filters whose first argument is the moment of receipt."""
