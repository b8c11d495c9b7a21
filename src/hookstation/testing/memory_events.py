"""How an event of the in-memory twin moves and is found."""

from __future__ import annotations

from dataclasses import replace

from hookstation.core.events import Attempt, Event, Settlement, State
from hookstation.core.journal_rules import attempt_after, is_open, received_within
from hookstation.ports.store import EventFilter, Finish


def last_attempt(event: Event) -> list[Attempt]:
    """The attempt that an event's own row shows, once it has ended."""
    if not event.attempts or is_open(event.state):
        return []
    shown = (event.attempts, event.started_at, event.settled_at, event.state, event.error, event.record_key)
    return [Attempt(*shown)]


def ended_attempt(event: Event, at: int) -> list[Attempt]:
    """The attempt of an event that stays open, where one was made: it failed, and another one will follow."""
    if not event.attempts or not is_open(event.state):
        return []
    return [Attempt(event.attempts, event.started_at, at, State.FAILED, event.error, event.record_key)]


def moved(old: Event, finish: Finish, new: Settlement) -> Event:
    """An event after a move."""
    attempts, started_at = attempt_after(
        old.state, new.state, old.attempts, old.started_at, finish.attempt_started_at or None, finish.at
    )
    return replace(
        old,
        state=new.state,
        answer_status=new.answer_status,
        answer_body=new.answer_body,
        error=new.error,
        reason=new.reason,
        record_key=new.record_key,
        settled_at=0 if is_open(new.state) else finish.at,
        started_at=started_at,
        attempts=attempts,
        run_id=finish.run_id or old.run_id,
        connection=finish.connection or old.connection,
        entity=finish.entity or old.entity,
    )


def passes(event: Event, which: EventFilter) -> bool:
    """Whether an event is one of these, as far as its own row says it."""
    if not event.id.startswith(which.event_id.upper()):
        return False
    for asked, told in (
        (which.sender, event.sender),
        (which.dedup_key, event.dedup_key),
        (which.record_key, event.record_key),
    ):
        if asked and asked != told:
            return False
    if which.webhook and event.webhook != which.webhook:
        return False
    if which.states and event.state not in which.states:
        return False
    return received_within(event, which.since, which.until)
