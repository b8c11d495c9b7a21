"""Events of the journal as rows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from hookstation.core.events import Event, State
from hookstation.core.jsontext import parse_json
from hookstation.core.template.scope import instant_text
from hookstation.core.transfers.definitions import JournalRows
from hookstation.core.values import JSON
from hookstation.errors import BodyRefused
from hookstation.ports.rows import Row
from hookstation.ports.store import EventFilter, History

AT_ONCE: Final = 200
SECOND: Final = 1_000_000


async def journal_rows(
    store: History, source: JournalRows, after: str, now: int
) -> AsyncGenerator[Sequence[Row]]:
    """Events that had come when the run began, the newest first, behind the event with the id `after`.

    Each has ``id``, ``webhook``, ``received_at``, ``state``, ``sender``, ``error``, ``connection``, ``entity``,
    ``record`` and ``payload``: what came, as JSON where it is that, else as text; null where it is not kept any more.
    """
    since = max(now - int(source.since * SECOND), 1) if source.since else 0
    which = EventFilter(source.webhook, frozenset(map(State, source.states)), since, now)
    while True:
        page = await store.list_events(which, AT_ONCE, after)
        if page.items:
            yield [await _row(store, event) for event in page.items]
        if not page.next:
            return
        after = page.next


async def _row(store: History, event: Event) -> Row:
    found = await store.get_payload(event.id)
    return {
        "id": event.id,
        "webhook": event.webhook,
        "received_at": instant_text(event.received_at),
        "state": event.state.value,
        "sender": event.sender,
        "error": event.error or None,
        "connection": event.connection or None,
        "entity": event.entity or None,
        "record": event.record_key or None,
        "payload": None if found is None else _value(found.body),
    }


def _value(body: bytes) -> JSON:
    try:
        return parse_json(body, members=10_000_000).value
    except BodyRefused:
        return body.decode(errors="replace")
