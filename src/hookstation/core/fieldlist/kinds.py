"""One value of each plain kind: read from a document, and written back as a person would write it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NoReturn, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from hookstation.core.fieldlist.setting import Kind, Setting
from hookstation.core.naming import slug
from hookstation.core.nearest import did_you_mean
from hookstation.core.rates import Rate
from hookstation.core.values import JSON, Number, kind_of
from hookstation.errors import Invalid, Problem

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
"""A token of RFC 9110, section 5.6.2."""
DURATION: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?(ms|s|m|min|h|d|w)")
SIZE: Final = re.compile(r"([0-9]{1,15}) ?(B|KB|MB|GB|KiB|MiB|GiB)", re.IGNORECASE)
RATE: Final = re.compile(r"([0-9]{1,9}) ?/ ?([0-9]{1,9})? ?(s|sec|m|min|h|hour|d|day)")

SECONDS: Final[Mapping[str, Decimal]] = {
    "ms": Decimal("0.001"), "s": Decimal(1), "sec": Decimal(1), "m": Decimal(60), "min": Decimal(60),
    "h": Decimal(3600), "hour": Decimal(3600), "d": Decimal(86_400), "day": Decimal(86_400),
    "w": Decimal(604_800),
}  # fmt: skip
BYTES: Final[Mapping[str, int]] = {
    "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3,
}  # fmt: skip
UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
LONGEST_TEXT: Final = 1_000
MOST_DURATIONS: Final = 100
MOST_PORTS: Final = 100

Read = TypeVar("Read")


def refuse(message: str, *path: str | int) -> NoReturn:
    """Say what is wrong with the value at hand."""
    raise Invalid([Problem(path, message)])


def shown(value: JSON) -> str:
    """A value as an error may show it: short text in quotes, anything else by its kind."""
    if isinstance(value, str):
        return f"“{value}”" if len(value) <= 60 else f"“{value[:57]}…”"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number of that size"
    return str(value)[:60] if isinstance(value, int | Number) else kind_of(value)


def _text_of(value: JSON, what: str) -> str:
    if not isinstance(value, str):
        refuse(f"must be {what}, but is {kind_of(value)}{_quoting(value)}.")
    return value


def _quoting(value: JSON) -> str:
    """A word of help where a file's author forgot the quotes."""
    return f'; put it in quotes: "{shown(value)}"' if isinstance(value, bool | int | Number) else ""


def read_text(setting: Setting, value: JSON) -> str:
    """Text within the setting's length and pattern, without control characters but tab and new line."""
    text = _text_of(value, "text" if not setting.pattern_words else setting.pattern_words)
    longest = setting.maximum if setting.maximum is not None else LONGEST_TEXT
    if len(text) > longest:
        refuse(f"is {len(text):,} characters long; at most {longest:,} are allowed.")
    if setting.required and not text.strip():
        refuse("must not be empty.")
    if setting.pattern and not re.fullmatch(setting.pattern, text):
        refuse(f"{shown(text)} is not allowed here: it must be {setting.pattern_words or setting.pattern}.")
    if UNWRITABLE.search(text):
        refuse("holds control characters or broken Unicode; remove them.")
    return text


def read_name(setting: Setting, value: JSON) -> str:
    """A name."""
    text = _text_of(value, "a name")
    pattern = setting.pattern or NAME
    if not re.fullmatch(pattern, text):
        allowed = (
            setting.pattern_words
            or "letters, digits, “_”, “-” and “.”, up to 64, beginning with a letter or digit"
        )
        if not text:
            refuse(f"must not be empty; allowed are {allowed}.")
        refuse(f"{shown(text)} is not a name; allowed are {allowed}.{_like(text, pattern)}")
    return text


def _like(text: str, pattern: str | re.Pattern[str]) -> str:
    """The name that somebody may have meant who wrote it as people say it."""
    if not re.search("[A-Za-z0-9]", text):
        return ""
    near = (slug(text), re.sub("[^A-Za-z0-9_]", "", text))
    return next((f" Write it like “{one}”." for one in near if re.fullmatch(pattern, one)), "")


def read_url(_: Setting, value: JSON) -> str:
    """An absolute http or https address."""
    text = _address(value)
    if "#" in text or "?" in text:
        refuse("an address must not have a query (“?”) or a fragment (“#”) here; remove it.")
    return text.rstrip("/")


def read_endpoint(_: Setting, value: JSON) -> str:
    """An absolute http or https address to be called exactly as it is written."""
    text = _address(value)
    if "#" in text:
        refuse("an address must not have a fragment (“#”): it is never sent; remove it.")
    return text


def _address(value: JSON) -> str:
    text = _text_of(value, "an address such as https://example.org")
    if len(text) > 2_000 or any(char.isspace() or ord(char) < 33 for char in text):
        refuse("an address has at most 2,000 characters and no spaces.")
    try:
        parts = urlsplit(text)
        well_formed = bool(parts.hostname) and parts.port != 0
    except ValueError:
        refuse(f"{shown(text)} is not an address; write it like https://example.org:8443/path.")
    if parts.scheme not in ("http", "https") or not well_formed:
        refuse(f"{shown(text)} is not an address; it must begin with http:// or https:// and name a host.")
    if parts.username is not None or parts.password is not None:
        refuse("an address must not hold a user name or password; use the settings made for them.")
    return text


def _bounded(setting: Setting, value: int | Decimal, write: Callable[[object], JSON]) -> None:
    if setting.minimum is not None and value < setting.minimum:
        refuse(f"must be at least {write(setting.minimum)}.")
    if setting.maximum is not None and value > setting.maximum:
        refuse(f"must be at most {write(setting.maximum)}.")


def _grouped(value: object) -> str:
    return f"{value:,}"


def read_integer(setting: Setting, value: JSON) -> int:
    """A whole number within its bounds."""
    if isinstance(value, bool) or not isinstance(value, int):
        help_text = "; write it without quotes" if isinstance(value, str) and value.strip().isdigit() else ""
        refuse(f"must be a whole number, but is {kind_of(value)}{help_text}.")
    _bounded(setting, value, _grouped)
    return value


def read_duration(setting: Setting, value: JSON) -> int | Number:
    """Seconds; whole ones as ``int``."""
    if isinstance(value, str) and (found := DURATION.fullmatch(value)):
        seconds = Decimal(found[1]) * SECONDS[found[2]]
    elif isinstance(value, int | Number) and _is_small(value):
        seconds = Decimal(str(value))
    else:
        refuse(f"{shown(value)} is not a duration; write it like 25s, 5m, 12h or 7d, or as seconds.")
    if not 0 <= seconds <= 10**12:
        refuse("a duration must lie between 0 and 1,000,000,000,000 seconds.")
    rounded = seconds.quantize(SECONDS["ms"])
    if rounded != seconds:
        refuse("a duration cannot be finer than a millisecond.")
    _bounded(setting, seconds, write_duration)
    return int(seconds) if seconds == int(seconds) else Number(f"{rounded.normalize():f}")


def _is_small(value: int | Number) -> bool:
    """Whether arithmetic with it is cheap; no duration needs more digits."""
    if isinstance(value, Number):
        return len(value.text) <= 40 and abs(value.decimal.adjusted()) <= 40
    return not isinstance(value, bool) and value.bit_length() < 64


def write_duration(seconds: object) -> str:
    """The shortest exact form: ``7d``, ``90s``, ``1.5s``."""
    if not isinstance(seconds, int):
        return f"{seconds}s"
    for unit in ("d", "h", "m"):
        if seconds and seconds % int(SECONDS[unit]) == 0:
            return f"{seconds // int(SECONDS[unit])}{unit}"
    return f"{seconds}s"


def read_durations(setting: Setting, value: JSON) -> list[int | Number]:
    """Several durations, each within the bounds."""
    found = _list_of(Setting(setting.name, maximum=MOST_DURATIONS), value, "durations, like [5s, 30s, 2m]")
    return [_one_of_several(setting, index, one, read_duration) for index, one in enumerate(found)]


def write_durations(value: object) -> JSON:
    """The shortest exact form of each."""
    assert isinstance(value, list)
    return [write_duration(one) for one in value]


def _one_of_several(setting: Setting, index: int, value: JSON, read: Callable[[Setting, JSON], Read]) -> Read:
    try:
        return read(setting, value)
    except Invalid as refusal:
        raise Invalid([problem.under(index) for problem in refusal.problems]) from None


def read_size(setting: Setting, value: JSON) -> int:
    """Bytes."""
    if isinstance(value, str) and (found := SIZE.fullmatch(value)):
        size = int(found[1]) * BYTES[found[2].lower()]
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        refuse(f"{shown(value)} is not a size; write it like 1MiB, 500KB or 200B, or as bytes.")
    if not 0 <= size <= 2**60:
        refuse("a size must lie between 0 and 1,073,741,824GiB.")
    _bounded(setting, size, write_size)
    return size


def write_size(size: object) -> JSON:
    """The shortest exact form: ``1MiB``, ``500KB``, or plain bytes."""
    assert isinstance(size, int)
    for unit in ("GiB", "MiB", "KiB", "GB", "MB", "KB"):
        if size and size % BYTES[unit.lower()] == 0:
            return f"{size // BYTES[unit.lower()]}{unit}"
    return size


def read_rate(_: Setting, value: JSON) -> Rate:
    """A count of calls in a span of seconds."""
    found = RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        refuse(f"{shown(value)} is not a rate; write it like 100/s, 1000/min or 10/h.")
    count, seconds = int(found[1]), int(found[2] or 1) * int(SECONDS[found[3]])
    if not count or not seconds:
        refuse("a rate must be at least 1; to stop everything, set the state to “paused”.")
    return Rate(count, seconds)


def write_rate(rate: object) -> str:
    """``100/s``, ``10/h``, ``5/10s``."""
    assert isinstance(rate, Rate)
    for unit in ("d", "h", "min", "s"):
        if rate.seconds == int(SECONDS[unit]):
            return f"{rate.count}/{unit}"
    return f"{rate.count}/{rate.seconds}s"


def read_boolean(_: Setting, value: JSON) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        refuse(f"must be true or false, but is {shown(value)}.")
    return value


def read_choice(setting: Setting, value: JSON) -> str:
    """One of the choices."""
    if not isinstance(value, str) or value not in setting.choices:
        hint = did_you_mean(value, setting.choices) if isinstance(value, str) else ""
        refuse(f"{shown(value)} is not allowed; choose one of {listed(setting.choices)}.{hint}")
    return value


def read_networks(setting: Setting, value: JSON) -> list[str]:
    """Networks in canonical CIDR form."""
    return [
        _network(index, one)
        for index, one in enumerate(_list_of(setting, value, "networks, like [10.0.0.0/8]"))
    ]


def _network(index: int, value: JSON) -> str:
    text = value.strip() if isinstance(value, str) else ""
    try:
        return str(ipaddress.ip_network(text, strict=True))
    except ValueError:
        pass
    try:
        wide = ipaddress.ip_network(text, strict=False)
    except ValueError:
        refuse(
            f"{shown(value)} is not a network; write it like 203.0.113.0/24, 203.0.113.7 or 2001:db8::/32.",
            index,
        )
    host = text.partition("/")[0]
    refuse(
        f"“{text}” has bits beyond its mask; write {wide} for the network or {host} for the one address.",
        index,
    )


def read_ports(setting: Setting, value: JSON) -> list[int]:
    """TCP ports."""
    one = Setting(setting.name, minimum=1, maximum=65_535)
    ports = _list_of(Setting(setting.name, maximum=MOST_PORTS), value, "ports, like [443, 8443]")
    return [_one_of_several(one, index, port, read_integer) for index, port in enumerate(ports)]


def read_zone(_: Setting, value: JSON) -> str:
    """An IANA time zone that this machine's tz database has."""
    text = _text_of(value, "a time zone")
    try:
        ZoneInfo(text)
    except (ValueError, KeyError, OSError):
        hint = did_you_mean(text, sorted(available_timezones()))
        refuse(f"{shown(text)} is not a time zone; write an IANA name like America/Chicago or UTC.{hint}")
    return text


def read_header(_: Setting, value: JSON) -> str:
    """The name of an HTTP header."""
    text = _text_of(value, "a header name")
    if not HEADER.fullmatch(text):
        refuse(f"{shown(text)} is not a header name; write only the name, like X-Signature.")
    return text


def _list_of(setting: Setting, value: JSON, what: str) -> list[JSON]:
    if not isinstance(value, list):
        refuse(f"must be a list of {what}, but is {kind_of(value)}.")
    counted(setting, len(value))
    return value


def counted(setting: Setting, count: int) -> None:
    """Refuse too few or too many members."""
    most = setting.maximum if setting.maximum is not None else 10_000
    if count > most:
        refuse(f"has {count:,} members; at most {most:,} are allowed.")
    if not count and setting.minimum == 1:
        refuse("is empty: name at least one.")
    if count < (setting.minimum or 0):
        refuse(f"has {count:,} members; at least {setting.minimum:,} are needed.")


def read_list(setting: Setting, value: JSON) -> list[str]:
    """A list of texts."""
    return [_item(index, one) for index, one in enumerate(_list_of(setting, value, "texts"))]


def _item(index: int, value: JSON) -> str:
    if not isinstance(value, str):
        refuse(f"must be text, but is {kind_of(value)}{_quoting(value)}.", index)
    return value


def read_mapping(setting: Setting, value: JSON) -> dict[str, JSON]:
    """Names to anything."""
    if not isinstance(value, dict):
        refuse(f"must be an object of names and values, but is {kind_of(value)}.")
    counted(setting, len(value))
    return value


def read_json(_: Setting, value: JSON) -> JSON:
    """Anything."""
    return value


def listed(names: tuple[str, ...] | list[str]) -> str:
    """Names in a sentence: ``a, b or c``."""
    return ", ".join(names[:-1]) + " or " + names[-1] if len(names) > 1 else "".join(names)


READERS: Final[Mapping[Kind, Callable[[Setting, JSON], object]]] = {
    Kind.TEXT: read_text, Kind.NAME: read_name, Kind.URL: read_url, Kind.INTEGER: read_integer,
    Kind.DURATION: read_duration, Kind.SIZE: read_size, Kind.RATE: read_rate, Kind.BOOLEAN: read_boolean,
    Kind.CHOICE: read_choice, Kind.NETWORKS: read_networks, Kind.ZONE: read_zone, Kind.HEADER: read_header,
    Kind.LIST: read_list, Kind.MAPPING: read_mapping, Kind.JSON: read_json, Kind.ENDPOINT: read_endpoint,
    Kind.DURATIONS: read_durations, Kind.PORTS: read_ports,
}  # fmt: skip

WRITERS: Final[Mapping[Kind, Callable[[object], JSON]]] = {
    Kind.DURATION: write_duration, Kind.SIZE: write_size, Kind.RATE: write_rate,
    Kind.DURATIONS: write_durations,
}  # fmt: skip
