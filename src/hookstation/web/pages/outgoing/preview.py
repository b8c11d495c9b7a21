"""What a subscription would send, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hookstation.core.outgoing.definitions import Subscription
from hookstation.engine.outgoing.showing import Shown
from hookstation.ports.store import Payload
from hookstation.web.pages.events import Body, body_of
from hookstation.web.services import Services

SAMPLE: Final = "sample"
REAL: Final = "real"
OVER: Final = ((SAMPLE, "a sample"), (REAL, "the last real event"))
"""What a preview is made of."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent, with its texts for people."""

    shown: Shown
    payload: Body
    body: Body | None


async def preview(subscription: Subscription, over: str, services: Services) -> Preview:
    """What a subscription that was decoded without problems would send."""
    shown = await services.showing.show(subscription, real=over == REAL)
    payload = body_of(Payload("", shown.event.payload.encode()))
    sent = shown.request.body if shown.request else b""
    return Preview(shown, payload, body_of(Payload("", sent)) if sent else None)
