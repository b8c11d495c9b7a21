"""Which payload a section works on: a sample, a captured call, or one that somebody typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused
from hookstation.ports.captures import CapturedCall
from hookstation.web.pages.filters import pretty
from hookstation.web.pages.wizard.frame import Look, samples_of


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
    choices = [
        (f"sample-{n}", f"Sample {n + 1}" if len(samples) > 1 else "The sample") for n in range(len(samples))
    ]
    choices += [(f"call-{one.number}", f"Call {one.number}") for one in calls if _value(one) is not None]
    wanted = look.form.one("from") or look.request.query_params.get("from", "")
    chosen = wanted if wanted in [key for key, _ in choices] else (choices[0][0] if choices else "")
    payload: JSON = None
    kind, _, number = chosen.partition("-")
    if kind == "sample":
        payload = samples[int(number)]
    elif kind == "call":
        payload = next(_value(one) for one in calls if str(one.number) == number)
    return Payloads(choices, chosen, payload, "" if payload is None else pretty(payload))


def _value(call: CapturedCall) -> JSON:
    try:
        return parse_json(call.body).value
    except BodyRefused:
        return None
