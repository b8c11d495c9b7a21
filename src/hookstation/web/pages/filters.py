"""How values are written on pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from hookstation.core.agents import browser_name
from hookstation.core.events import State
from hookstation.core.jsontext import dump_json
from hookstation.core.outgoing.values import DeliveryState
from hookstation.core.schema_words import pointer
from hookstation.core.template import path_text
from hookstation.core.values import JSON
from hookstation.engine.runs import moment
from hookstation.web.pages.event_words import what_was_wrong
from hookstation.web.pages.words import connection_type

TONES: Final[Mapping[str, str]] = {
    State.SUCCEEDED: "good",
    State.FAILED: "bad",
    State.REJECTED: "bad",
    State.UNKNOWN: "unsure",
    State.HELD: "calm",
    State.WORKING: "calm",
    State.SENDING: "calm",
    "active": "good",
    "paused": "unsure",
    "disabled": "plain",
    "archived": "plain",
    "unreadable": "bad",
    "usable": "good",
    "holding": "calm",
    "refused": "bad",
    "slowed": "unsure",
    "open": "bad",
    "gone": "bad",
    "given_up": "bad",
    DeliveryState.WAITING: "calm",
    DeliveryState.DELIVERED: "good",
    DeliveryState.DEAD: "bad",
    DeliveryState.CANCELLED: "plain",
    "queued": "calm",
    "running": "calm",
    "started": "calm",
    "done": "good",
    "skipped": "plain",
}
"""Which colour and sign a state has; the word always stands beside them."""

MEANINGS: Final[Mapping[str, str]] = {
    State.SUCCEEDED: "The record stands.",
    State.FAILED: "Nothing was written; it can be replayed.",
    State.REJECTED: "The call was turned away before anything was written.",
    State.UNKNOWN: "The record may stand or not: it has to be looked up.",
    State.HELD: "Kept, and sent when its connection works again.",
    State.WORKING: "Under way.",
    State.SENDING: "On its way to the target.",
    "usable": "Nothing is known to be wrong with it.",
    "holding": "Events wait until it works again.",
    "refused": "The system does not take its credentials.",
    "slowed": "It asked for patience: everything for it waits a while.",
    "open": "It fails so often that it rests; then a single delivery tries whether it works again.",
    "gone": "It said that it is gone for good (410). It keeps what waits until a person enables it.",
    "given_up": "Nothing but failures for days. It keeps what waits until a person enables it.",
    DeliveryState.WAITING: "On its way: it is tried when it is due.",
    DeliveryState.DELIVERED: "The receiver took it.",
    DeliveryState.DEAD: "Given up: it is not tried again by itself.",
    DeliveryState.CANCELLED: "Ended by a person, or because what it was for was taken away.",
}

_SIZES: Final = ("bytes", "KiB", "MiB", "GiB")
LONGEST_SHOWN: Final = 120
"""Characters of a value that a list shows."""
_NANOSECONDS: Final = 1_000_000


def plain_moment(microseconds: int) -> str:
    """A moment for who has no script: UTC, to the second."""
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


_SPANS: Final = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"))
"""Days with hours, and hours with minutes, each from two on."""


def span(microseconds: int) -> str:
    """How long something took: one unit, or the two greatest from two minutes on."""
    if microseconds < 1_000_000:
        return f"{microseconds / 1_000:.1f} ms"
    seconds = microseconds // 1_000_000
    if seconds < 120:
        return f"{microseconds / 1_000_000:.1f} s"
    for greater, name, less, small in _SPANS:
        if seconds >= 2 * greater:
            return f"{seconds // greater} {name} {seconds % greater // less} {small}"
    return f"{seconds // 60} min {seconds % 60} s"


def milliseconds(nanoseconds: int) -> str:
    """How long a stage took."""
    return f"{nanoseconds / _NANOSECONDS:.2f} ms"


def size(count: int) -> str:
    """A number of bytes."""
    amount, unit = float(count), 0
    while amount >= 1024 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{count} {'byte' if count == 1 else 'bytes'}" if unit == 0 else f"{amount:.1f} {_SIZES[unit]}"


def count_of(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 event``, ``2 events``, ``12,000 events``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def pretty(value: JSON) -> str:
    """A JSON value over several lines."""
    return msgspec.json.format(dump_json(value), indent=2)


def query(values: Mapping[str, str], **changes: str) -> str:
    """A query string of these values with some changed; empty ones are left out."""
    merged = {name: value for name, value in {**values, **changes}.items() if value}
    return f"?{urlencode(merged)}" if merged else "?"


def shown(value: JSON) -> str:
    """A JSON value on one line, text without its quotes, what is long cut visibly."""
    text = value if isinstance(value, str) else dump_json(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


FILTERS: Final[dict[str, Any]] = {
    "moment": moment,
    "plain_moment": plain_moment,
    "span": span,
    "milliseconds": milliseconds,
    "size": size,
    "count_of": count_of,
    "pretty": pretty,
    "query": query,
    "browser_name": browser_name,
    "shown": shown,
    "pointer": pointer,
    "path_text": path_text,
    "plain_words": lambda text: text.replace("`", ""),
    "connection_type": connection_type,
    "what_was_wrong": what_was_wrong,
    "tone": lambda state: TONES.get(state, "plain"),
    "meaning": lambda state: MEANINGS.get(state, ""),
}
