"""Fix and replay: a person edits a copy of an event's payload, and the copy goes through the whole staircase from the
dedup key on.

The original stays as it is.  The copy is an event of its own, whose headers say what it was made of, by whom and why,
under names that no caller can send: a colon is not allowed in a header's name (RFC 9110, 5.6.2).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import msgspec

from hookstation.core.events import Answer, Event
from hookstation.core.jsontext import parse_json
from hookstation.engine.ingest import Ingest
from hookstation.engine.replay import FREELY, KNOWINGLY, Replay, key_of, refusal
from hookstation.engine.stages import RawRequest, VerifiedEvent
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

EDITED_FROM: Final = ":edited-from"
EDITED_BY: Final = ":edited-by"
EDIT_NOTE: Final = ":edit-note"
LONGEST_NOTE: Final = 500
COPIES: Final = "edited:"
"""Begins the name of the fact that lists an event's edited copies."""

_write: Final = msgspec.json.Encoder().encode
_read: Final = msgspec.json.Decoder(list[str]).decode


@dataclass(frozen=True, slots=True)
class Fixed:
    """What became of an edited copy: the answer that its sender would have had, and the id of its event."""

    event_id: str
    answer: Answer


class Fix:
    """Sends edited copies of events in."""

    def __init__(
        self,
        store: Store,
        replay: Replay,
        ingest: Ingest,
        clock: Clock,
        identifiers: Identifiers,
        event_log: EventLog,
    ) -> None:
        self._store, self._replay, self._ingest = store, replay, ingest
        self._clock, self._identifiers, self._event_log = clock, identifiers, event_log

    async def fix(self, event_id: str, body: bytes, note: str, who: str, *, again: bool = False) -> Fixed:
        """Send `body` in, in the place of what the event holds. `note` says why, in a line.

        Raises `NotFound`; `Conflict` where the event's state forbids it, as for a replay, or a masked header is
        needed; `Invalid` for the note; `BodyRefused`.
        """
        event = await self._store.get_event(event_id)
        if event is None:
            raise NotFound("event", event_id)
        if not note.strip() or len(note) > LONGEST_NOTE or not note.isprintable():
            message = (
                f"must say in one line, of at most {LONGEST_NOTE} characters, why the payload is changed."
            )
            raise Invalid([Problem(("note",), message)])
        if event.state not in (KNOWINGLY if again else FREELY):
            raise Conflict(refusal(event.state))
        hook = self._replay.hook_of(event)
        if len(body) > hook.definition.limits.body:
            message = f"is larger than the {hook.definition.limits.body} bytes that the webhook takes."
            raise Invalid([Problem(("body",), message)])
        parsed = parse_json(body)
        key = None if hook.key is None else key_of(event, hook.key, parsed, body)
        raw = RawRequest(
            self._identifiers.event_id(),
            hook,
            {EDITED_FROM: event.id, EDITED_BY: who, EDIT_NOTE: note, **_came(event)},
            event.query,
            event.sender,
            self._clock.now(),
            self._clock.monotonic() + hook.definition.limits.time,
            key=key or "",
            voice=hook.voice,
        )
        await self._link(event.id, raw.event_id)
        self._event_log.write(
            "payload_edited",
            event_id=raw.event_id,
            edited_from=event.id,
            webhook=event.webhook,
            by=who,
            note=note,
        )
        answer = await asyncio.shield(self._ingest.take_copy(VerifiedEvent(raw, body, parsed), key))
        return Fixed(dict(answer.headers).get("Hookstation-Event-Id", raw.event_id), answer)

    async def copies(self, event_id: str) -> list[str]:
        """The ids of an event's edited copies, oldest first."""
        kept = await self._store.get_fact(COPIES + event_id)
        return _read(kept) if kept else []

    async def _link(self, original: str, copy: str) -> None:
        ids = [*await self.copies(original), copy]
        await self._store.set_fact(COPIES + original, _write(ids).decode())


def _came(event: Event) -> dict[str, str]:
    """The headers of the call that the event was, without what an earlier edit put there."""
    return {name: value for name, value in event.headers.items() if not name.startswith(":")}
