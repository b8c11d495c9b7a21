"""What a webhook would make of a call whose body is known: the part of the staircase that depends on its configuration.

Nothing is written and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hookstation.core.differences import Difference, differences
from hookstation.core.events import Event
from hookstation.core.jsontext import Parsed, parse_json
from hookstation.core.records import Record
from hookstation.core.template import Scope
from hookstation.core.values import JSON
from hookstation.engine.replay import refuse_what_is_lost
from hookstation.engine.switchboard import CompiledWebhook
from hookstation.errors import BodyRefused, Conflict, MappingFailed

ACCEPTED, REFUSED, UNJUDGED = "accepted", "refused", "unjudged"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a call.

    `verdict` is *accepted* (then `record` is what would be written), *refused*, or *unjudged* where the journal does
    not hold what is needed.  `stage` is where it ends (``body``, ``schema``, ``mapping``), `detail` says why.
    """

    verdict: str
    stage: str = ""
    detail: str = ""
    record: Record | None = None

    def as_json(self) -> dict[str, JSON]:
        """The shape that the API shows."""
        return {
            "verdict": self.verdict,
            "stage": self.stage,
            "detail": self.detail,
            "record": None if self.record is None else self.record.as_json(),
        }


def judge(hook: CompiledWebhook, event: Event, body: bytes) -> Judgement:
    """What `hook` would make of an event of the journal."""
    try:
        parsed = parse_json(body)
    except BodyRefused as refused:
        return Judgement(REFUSED, "body", refused.reason)
    violations = hook.schema.violations(parsed)
    if violations:
        return Judgement(REFUSED, "schema", "; ".join(one.message for one in violations))
    try:
        refuse_what_is_lost(event, hook)
    except Conflict as lost:
        return Judgement(UNJUDGED, "mapping", lost.message)
    return _mapped(hook, event, parsed)


def _mapped(hook: CompiledWebhook, event: Event, parsed: Parsed) -> Judgement:
    scope = Scope(parsed.value, event.received_at, event.id, hook.name, event.headers, event.query)
    try:
        record = hook.mapping.map(scope, event.received_at)
    except MappingFailed as failed:
        return Judgement(REFUSED, "mapping", failed.message)
    return Judgement(ACCEPTED, record=record)


def changes(before: Judgement, after: Judgement) -> Iterator[Difference]:
    """What is otherwise: the verdict, its reason, and the record field by field."""
    if before.verdict != after.verdict:
        yield from differences({"verdict": before.verdict}, {"verdict": after.verdict})
    elif before.detail != after.detail:
        yield from differences({"detail": before.detail}, {"detail": after.detail})
    if before.record is not None and after.record is not None:
        yield from differences(_shown(before.record), _shown(after.record))


def _shown(record: Record) -> JSON:
    shown = record.as_json()
    assert isinstance(shown, dict)
    return {"match": {}, **shown}
