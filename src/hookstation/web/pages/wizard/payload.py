"""Which payload a section works on: a sample, a captured call, or what came last."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.events import State
from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused
from hookstation.ports.captures import CapturedCall
from hookstation.ports.store import EventFilter
from hookstation.web.pages.filters import plain_moment, pretty
from hookstation.web.pages.wizard.frame import Look, samples_of

MOST_EVENTS: Final = 3
"""Real calls that are offered, and as many that were refused where their bodies are kept."""

REJECTED: Final = frozenset({State.REJECTED})
TAKEN: Final = frozenset(State) - REJECTED


@dataclass(frozen=True, slots=True)
class Payloads:
    """What may be chosen (key and label), what is, and the payload; ``None`` where there is none or it is no JSON."""

    choices: Sequence[tuple[str, str]]
    chosen: str
    payload: JSON
    text: str


async def preview_payload(look: Look, calls: Sequence[CapturedCall]) -> Payloads:
    """The payload that the form chose, else the first sample, else the newest call."""
    samples = samples_of(look.document)
    known: dict[str, tuple[str, JSON]] = {
        f"sample-{n}": (f"Sample {n + 1}" if len(samples) > 1 else "The sample", one)
        for n, one in enumerate(samples)
    }
    for call, value in zip(calls, await asyncio.to_thread(_read_all, calls), strict=True):
        if value is not None:
            known[f"call-{call.number}"] = f"Captured call {call.number}", value
    known.update(await _from_journal(look))
    wanted = look.form.one("from") or look.request.query_params.get("from", "")
    chosen = wanted if wanted in known else next(iter(known), "")
    payload = known[chosen][1] if chosen else None
    choices = [(key, label) for key, (label, _) in known.items()]
    return Payloads(choices, chosen, payload, "" if payload is None else pretty(payload))


async def _from_journal(look: Look) -> Mapping[str, tuple[str, JSON]]:
    """The last real calls of a live webhook whose bodies are kept.

    Calls that were turned away mostly have none, and may be many: they do not take the place of those that have.
    """
    found: dict[str, tuple[str, JSON]] = {}
    if look.draft.live is None:
        return found
    for states in (TAKEN, REJECTED):
        events = await look.services.store.list_events(EventFilter(look.name, states), MOST_EVENTS)
        for event in events.items:
            kept = await look.services.store.get_payload(event.id)
            value = None if kept is None else await asyncio.to_thread(_read, kept.body)
            if value is not None:
                label = (
                    f"{'Refused call' if states is REJECTED else 'Call'} of {plain_moment(event.received_at)}"
                )
                found[f"event-{event.id}"] = label, value
    return found


def _read_all(calls: Sequence[CapturedCall]) -> list[JSON]:
    return [_read(one.body) for one in calls]


def _read(body: bytes) -> JSON:
    try:
        return parse_json(body).value
    except BodyRefused:
        return None
