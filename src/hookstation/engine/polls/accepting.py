"""An item becomes an event, exactly as if it had been posted to a webhook that is checked later."""

from __future__ import annotations

from collections.abc import Sequence

from hookstation.core import answers
from hookstation.core.answers import voice_of
from hookstation.core.duplicates import body_digest
from hookstation.core.events import Mark, MarkState, Settlement, State
from hookstation.core.jsontext import Parsed, dump_json, parse_json
from hookstation.core.polling.turns import Item
from hookstation.core.values import JSON
from hookstation.engine.process import Process
from hookstation.engine.settlements import failure
from hookstation.engine.stages import POLLED, MappedEvent, RawRequest, scope_of
from hookstation.engine.switchboard import CompiledWebhook
from hookstation.errors import BodyRefused, Conflict, Invalid, MappingFailed, NotFound
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.store import Acceptance


class Accepting:
    """Makes acceptances of items."""

    def __init__(self, process: Process, clock: Clock, identifiers: Identifiers) -> None:
        self._process, self._clock, self._identifiers = process, clock, identifiers

    def accept(self, hook: CompiledWebhook, items: Sequence[Item], window: int) -> tuple[Acceptance, ...]:
        """The acceptances of items, of those with the same key only the first one's; one that does not fit has failed.

        `window`: seconds for which a key is remembered.  Ids made within a millisecond have no order of their own: they
        are put in order here, since events that go one after the other do so by their ids.
        """
        once: dict[str, Item] = {}
        for item in items:
            once.setdefault(item.key, item)
        names = sorted(self._identifiers.event_id() for _ in once)
        runs = sorted(self._identifiers.run_id() for _ in once)
        return tuple(
            self._accept(self._raw(hook, item, name), item, window, run)
            for item, name, run in zip(once.values(), names, runs, strict=True)
        )

    def _accept(self, raw: RawRequest, item: Item, window: int, run_id: str) -> Acceptance:
        hook, body = raw.hook, dump_json(item.value).encode()
        if item.flaw:
            return self._failed(raw, body, failure(item.flaw, "mapping", raw.voice), run_id)
        if len(body) > (most := hook.definition.limits.body):
            told = f"The item has {len(body):,} bytes; at most {most:,} are taken."
            return self._failed(raw, body, failure(told, "body", raw.voice), run_id)
        try:
            parsed = parse_json(body)
        except BodyRefused as refused:
            return self._failed(raw, body, failure(refused.reason, "body", raw.voice), run_id)
        if violations := hook.schema.violations(parsed):
            answer = raw.voice.invalid(violations)
            told = "; ".join(violation.message for violation in violations)
            settlement = Settlement(
                State.FAILED, answer.status, answer.body, answers.shorten(told), reason="schema"
            )
            return self._failed(raw, body, settlement, run_id)
        try:
            mapped = self._mapped(raw, body, parsed, item.key)
            acceptance = self._process.acceptance(mapped, run_id)
        except MappingFailed as failed:
            return self._failed(raw, body, failure(failed.message, "mapping", raw.voice), run_id)
        except (NotFound, Conflict, Invalid) as refused:
            return self._failed(raw, body, failure(refused.message, "workflow", raw.voice), run_id)
        acceptance.mark = self._mark(raw, body, run_id, window)
        return acceptance

    def verdict(self, hook: CompiledWebhook, item: Item) -> tuple[str, JSON]:
        """Why an item would fail, empty where it fits, and the record that would be written; nothing is."""
        raw = self._raw(hook, item, self._identifiers.event_id())
        body = dump_json(item.value).encode()
        if item.flaw:
            return item.flaw, None
        try:
            parsed = parse_json(body)
            if violations := hook.schema.violations(parsed):
                return "; ".join(violation.message for violation in violations), None
            record = self._mapped(raw, body, parsed, item.key).record
        except BodyRefused as refused:
            return refused.reason, None
        except MappingFailed as failed:
            return failed.message, None
        return "", None if hook.workflow else record.as_json()

    def _raw(self, hook: CompiledWebhook, item: Item, event_id: str) -> RawRequest:
        return RawRequest(
            event_id,
            hook,
            {},
            "",
            POLLED,
            self._clock.now(),
            self._clock.monotonic(),
            key=item.key,
            voice=voice_of(hook.definition),
        )

    def _mapped(self, raw: RawRequest, body: bytes, parsed: Parsed, key: str) -> MappedEvent:
        hook, scope = raw.hook, scope_of(raw, parsed)
        record = hook.mapping.map(scope, raw.received_at)
        payload = parsed.value if hook.workflow else None
        return MappedEvent(raw, body, record, key, body_digest(body), hook.order_in(scope), payload)

    def _failed(self, raw: RawRequest, body: bytes, settlement: Settlement, run_id: str) -> Acceptance:
        """An event for which nothing can be done. It keeps no mark: what is put right may be asked for again."""
        hook = raw.hook
        entry = raw.entry(
            size=len(body),
            body=body,
            reason=settlement.reason,
            connection=hook.definition.connection,
            entity=hook.spec.name,
            run_id=run_id,
        )
        emit = self._process.emit_of(raw, body)
        return Acceptance(entry, lambda _: settlement, emit=emit)

    @staticmethod
    def _mark(raw: RawRequest, body: bytes, run_id: str, window: int) -> Mark:
        until = raw.received_at + window * 1_000_000
        return Mark(raw.hook.name, raw.key, body_digest(body), raw.event_id, MarkState.WORKING, until, run_id)
