"""How far an event has come: stations that tell one another, or themselves, of what they were told end some time.

A delivery of what a call caused says how many deliveries led to it.  A webhook that is told of its own events by way of
a destination would go on for ever; it refuses the call once there were too many.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

HEADER: Final = "Hookstation-Hops"
"""The header of deliveries with a whole number: how many deliveries, this one among them, led here from a call."""

MOST: Final = 5
"""Deliveries in a row.  Each may cause some more, so that few of them are many calls: with three told of each call,
five in a row are 243."""

LOOP: Final = (
    f"More than {MOST} deliveries in a row led to this call: a destination leads back to a webhook that it is told of. "
    "Narrow the events or the condition of the subscription."
)

_NUMBER: Final = re.compile("[0-9]{1,4}")


def hops_of(headers: Mapping[str, str]) -> int:
    """How many deliveries led to the call with these headers (lower-case names); 0 where it does not say so."""
    said = headers.get(HEADER.lower(), "")
    return int(said) if _NUMBER.fullmatch(said) else 0
