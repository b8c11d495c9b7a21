"""A call that a person sends: a sample through the live lane, as a real event that says who sent it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hookstation.core.definitions import NoAuthentication, WebhookState
from hookstation.core.events import Answer, Event
from hookstation.core.signing import compile_verifier
from hookstation.engine.ingest import Ingest
from hookstation.engine.stages import RawRequest
from hookstation.engine.switchboard import Switchboard
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.store import History

BY_PERSON: Final = "person: "
"""What the sender of such an event begins with in the journal; the name of who sent it follows."""

SENT_BY: Final = ":sent-by"
"""The header with which such an event is journalled. No caller can send one of that name (RFC 9110, 5.6.2)."""

EVENT_ID: Final = "Hookstation-Event-Id"
UNAVAILABLE: Final = 503
LOOKS: Final = 40
PAUSE: Final = 0.05


class SendOnce:
    """Sends calls by hand."""

    def __init__(
        self,
        switchboard: Switchboard,
        ingest: Ingest,
        history: History,
        clock: Clock,
        identifiers: Identifiers,
    ) -> None:
        self._switchboard, self._ingest, self._history = switchboard, ingest, history
        self._clock, self._identifiers = clock, identifiers

    async def send(
        self, name: str, body: bytes, by: str, headers: Mapping[str, str] | None = None, query: str = ""
    ) -> tuple[Answer, Event | None]:
        """Send `body` to a live webhook; returns what a sender would have got, and the event.

        Everything is as for a call of the sender's, but for what proves the sender, where it calls from and how often:
        also a webhook that is paused or disabled takes it, so that it can be tried before it is opened.  A body with a
        dedup key that was seen before is a repeat, and the event is the first one.  The event is ``None`` where the
        database took nothing.  Raises `NotFound`, and `Conflict` where the webhook is archived or does not work.
        """
        line = self._switchboard.named(name)
        if line is None:
            raise NotFound("live webhook", name)
        if line.state is WebhookState.ARCHIVED:
            raise Conflict(f"The webhook “{name}” is archived and takes nothing: change its state first.")
        try:
            compiled = self._switchboard.compiled(line)
        except Invalid as invalid:
            raise Conflict(f"The webhook “{name}” cannot be carried out: {invalid.message}") from invalid
        limits, given = compiled.definition.limits, headers or {}
        if len(body) > limits.body:
            told = f"has {len(body):,} bytes; the webhook takes {limits.body:,}."
            raise Invalid([Problem(("body",), told)])
        raw = RawRequest(
            self._identifiers.event_id(),
            replace(compiled, verifier=compile_verifier(NoAuthentication())),
            {"content-type": "application/json", **given, SENT_BY: by},
            query,
            BY_PERSON + by,
            self._clock.now(),
            self._clock.monotonic() + limits.time,
            voice=compiled.voice_for(given),
        )
        answer = await self._ingest.receive(raw, body)
        return answer, await self._event(answer)

    async def _event(self, answer: Answer) -> Event | None:
        """The event that an answer names; one that was refused is noted a moment after its answer."""
        event_id = next((value for name, value in answer.headers if name == EVENT_ID), "")
        event = await self._history.get_event(event_id) if event_id else None
        looks = LOOKS if event_id and answer.status != UNAVAILABLE else 0
        while event is None and looks:
            looks -= 1
            await self._clock.sleep(PAUSE)
            event = await self._history.get_event(event_id)
        return event
