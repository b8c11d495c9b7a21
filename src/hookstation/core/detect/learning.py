"""What is remembered of a webhook: who called it, and what its payloads look like. Bounded, whatever is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from hookstation.core.detect.findings import Kind, Remedy, Signal
from hookstation.core.values import JSON, kind_of

MOST_ADDRESSES: Final = 500
"""Addresses that are remembered; a webhook that has more is called from anywhere, so a new one says nothing."""

MOST_FIELDS: Final = 500
"""Places in a payload that are remembered; beyond them new ones say nothing."""

MOST_CHARACTERS: Final = 200
"""Of the path of a place; a deeper one is not looked at."""

MOST_MEMBERS: Final = 100
"""Members of an object from which its names are taken for data: they count as one place, ``*``."""

MOST_ITEMS: Final = 50
"""Items of an array that are looked at."""

LEAST_CALLS: Final = 20
"""Accepted calls after which an address is new and not only the next one to be learned."""

LEAST_SAMPLES: Final = 20
"""Payloads after which a field is new and not only the next one to be learned."""


class Learned(msgspec.Struct, frozen=True):
    """What is known: addresses, and the kinds that each place of a payload had; how many calls and samples said so.

    `after`: the id of the last event that was sampled.  `minute`: up to when calls are counted in, microseconds.
    """

    addresses: tuple[str, ...] = ()
    calls: int = 0
    shape: Mapping[str, tuple[str, ...]] = {}
    samples: int = 0
    after: str = ""
    minute: int = 0

    def write(self) -> str:
        """As JSON text."""
        return msgspec.json.encode(self).decode()


_decode: Final = msgspec.json.Decoder(Learned).decode


def read_learned(text: str) -> Learned:
    """What `Learned.write` wrote; nothing is known where it is empty."""
    return _decode(text.encode()) if text else Learned()


def learn_addresses(known: Learned, seen: Mapping[str, int], webhook: str) -> tuple[Learned, list[Signal]]:
    """Remember who called (address → accepted calls), and say who is new."""
    new = [address for address in sorted(seen) if address not in set(known.addresses)]
    told = known.calls >= LEAST_CALLS and len(known.addresses) < MOST_ADDRESSES
    signals = [_new_address(webhook, address, seen[address], len(known.addresses)) for address in new if told]
    addresses = (*known.addresses, *new)[:MOST_ADDRESSES]
    calls = known.calls + sum(seen.values())
    return msgspec.structs.replace(known, addresses=addresses, calls=calls), signals


def _new_address(webhook: str, address: str, calls: int, known: int) -> Signal:
    return Signal(
        Kind.ADDRESS,
        webhook,
        f"{address} called for the first time, and was let in; {known} other addresses are known.",
        {"address": address, "calls": calls, "known": known},
        Remedy.ACCESS,
        about=address,
    )


def learn_shape(known: Learned, payloads: Iterable[JSON], webhook: str) -> tuple[Learned, list[Signal]]:
    """Remember what payloads look like, and say which places or kinds are new."""
    signals: list[Signal] = []
    shape, samples = dict(known.shape), known.samples
    for payload in payloads:
        full = len(shape) >= MOST_FIELDS
        for path, kinds in shape_of(payload).items():
            had = shape.get(path)
            fresh = sorted(kinds - set(had or ()))
            if not fresh or (had is None and len(shape) >= MOST_FIELDS):
                continue
            shape[path] = tuple(sorted({*(had or ()), *fresh}))
            if samples >= LEAST_SAMPLES and not full:
                signals.append(_new_place(webhook, path, fresh, had))
        samples += 1
    return msgspec.structs.replace(known, shape=shape, samples=samples), signals


def _new_place(webhook: str, path: str, fresh: list[str], had: tuple[str, ...] | None) -> Signal:
    kinds = " and ".join(fresh)
    sentence = (
        f"The payload has a field that it never had: {path} ({kinds})."
        if had is None
        else f"The field {path} is {kinds}; before it was {' or '.join(had)}."
    )
    figures = {"field": path, "kind": kinds, "before": " or ".join(had or ())}
    return Signal(Kind.SHAPE, webhook, sentence, figures, Remedy.SCHEMA, about=f"{path} {kinds}")


def shape_of(payload: JSON) -> dict[str, set[str]]:
    """The kinds of value at each place of a payload: ``lines[].price`` → {"number"}; ``$`` is the whole.

    An empty value (null) says nothing about a place that is otherwise filled, so it counts only by itself: as ``null``.
    """
    found: dict[str, set[str]] = {}
    waiting: list[tuple[str, JSON]] = [("", payload)]
    while waiting and len(found) <= MOST_FIELDS:
        path, value = waiting.pop()
        found.setdefault(path or "$", set()).add(_kind(value))
        if isinstance(value, dict):
            many = len(value) > MOST_MEMBERS
            inner = [(_under(path, "*" if many else name), one) for name, one in value.items()]
            waiting += [pair for pair in inner[:MOST_MEMBERS][::-1] if len(pair[0]) <= MOST_CHARACTERS]
        elif isinstance(value, list):
            waiting += [(f"{path}[]", one) for one in value[:MOST_ITEMS] if len(path) < MOST_CHARACTERS]
    return found


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _kind(value: JSON) -> str:
    """An integer is a number: which of both is written says nothing of the field."""
    kind = kind_of(value)
    return "number" if kind == "integer" else kind
