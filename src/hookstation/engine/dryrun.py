"""The dry run: the same objects as production, the verdict of each stage, and nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hookstation.core import answers
from hookstation.core.answers import Acknowledging
from hookstation.core.content import compressed, is_json
from hookstation.core.definitions import NoAuthentication, WebhookState
from hookstation.core.events import Answer
from hookstation.core.jsontext import Parsed, parse_json
from hookstation.core.masking import is_whole
from hookstation.core.records import Record
from hookstation.core.template import Scope
from hookstation.core.values import JSON
from hookstation.engine.ingest import MISCONFIGURED, ONLY_JSON, ONLY_PLAIN, UNAUTHENTICATED
from hookstation.engine.retrying import key_shown
from hookstation.engine.stages import RawRequest
from hookstation.engine.switchboard import CompiledWebhook, Switchboard
from hookstation.errors import AuthenticationFailed, BodyRefused, Invalid, MappingFailed, NotFound
from hookstation.ports.clock import Clock, Identifiers

PASSED: Final = "passed"
SKIPPED: Final = "skipped"
REJECTED: Final = "rejected"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the staircase. `verdict`: passed, skipped or rejected; `detail`: a sentence."""

    stage: str
    verdict: str
    detail: str = ""


@dataclass(slots=True)
class Trial:
    """What would have happened. `record` is what would be written, ``None`` where it did not come to that."""

    stages: list[Stage] = field(default_factory=list)
    answer: Answer = answers.SUCCEEDED
    record: Record | None = None

    @property
    def accepted(self) -> bool:
        """Whether the call would have been answered with success, and its event done."""
        return self.answer.status < 300 and all(stage.verdict != REJECTED for stage in self.stages)

    def passed(self, stage: str, detail: str = "") -> None:
        """The call gets past `stage`."""
        self.stages.append(Stage(stage, PASSED, detail))

    def skipped(self, stage: str, detail: str) -> None:
        """The stage was not tried."""
        self.stages.append(Stage(stage, SKIPPED, detail))

    def rejected(self, stage: str, detail: str, answer: Answer) -> Trial:
        """The call ends at `stage`."""
        self.stages.append(Stage(stage, REJECTED, detail))
        self.answer = answer
        return self

    def as_json(self) -> dict[str, JSON]:
        """The document of ``hookstation test --json`` and of the API."""
        return {
            "verdict": "accepted" if self.accepted else "rejected",
            "status": self.answer.status,
            "answer": parse_json(self.answer.body).value if self.answer.body else None,
            "stages": [{"stage": s.stage, "verdict": s.verdict, "detail": s.detail} for s in self.stages],
            "record": None if self.record is None else self.record.as_json(),
        }


def _tell_state(trial: Trial, state: WebhookState) -> Trial:
    if state is WebhookState.ACTIVE:
        trial.passed("state", "active")
    else:
        trial.skipped("state", f"The webhook is {state.value}; a real call is turned away.")
    return trial


class DryRun:
    """Tries a payload on a webhook."""

    def __init__(self, switchboard: Switchboard, clock: Clock, identifiers: Identifiers) -> None:
        self._switchboard, self._clock, self._identifiers = switchboard, clock, identifiers

    def test(self, name: str, body: bytes, headers: Mapping[str, str], query: str = "") -> Trial:
        """Climb the staircase with `body`. `headers`: lower-case names. Raises `NotFound`."""
        line = self._switchboard.named(name)
        if line is None:
            raise NotFound("webhook", name)
        try:
            hook = self._switchboard.compiled(line)
        except Invalid as invalid:
            trial = _tell_state(Trial(), line.state)
            return trial.rejected("configuration", invalid.message, line.voice.failed(MISCONFIGURED))
        return self.try_on(hook, body, headers, query)

    def try_on(
        self, hook: CompiledWebhook, body: bytes, headers: Mapping[str, str], query: str = ""
    ) -> Trial:
        """Climb the staircase of a webhook that need not be live, or even saved. `headers`: lower-case names.

        Headers may be those of a captured call: what is masked of them is not held against it.
        """
        trial = _tell_state(Trial(), hook.definition.state)
        raw = RawRequest(
            self._identifiers.event_id(),
            hook,
            headers,
            query,
            "",
            self._clock.now(),
            self._clock.monotonic(),
            voice=hook.voice_for(headers),
        )
        if isinstance(raw.voice, Acknowledging):
            trial.answer = raw.voice.acknowledged(raw.event_id, self._identifiers.run_id())
        return self._prove(trial, raw, body) or self._map(trial, raw, body)

    @staticmethod
    def _prove(trial: Trial, raw: RawRequest, body: bytes) -> Trial | None:
        hook, headers, voice = raw.hook, raw.headers, raw.voice
        most = hook.definition.limits.body
        if len(body) > most:
            detail = f"The body has {len(body)} bytes, the limit is {most}."
            return trial.rejected(
                "length", detail, voice.refused(413, f"The body is larger than {most} bytes.")
            )
        trial.passed("length", f"{len(body)} bytes")
        if compressed(headers.get("content-encoding")):
            return trial.rejected("body", ONLY_PLAIN, voice.refused(415, ONLY_PLAIN))
        if not headers and not isinstance(hook.definition.authentication, NoAuthentication):
            trial.skipped("authentication", "No header was given; a real call must prove who it is from.")
            return None
        masked = [name for name in hook.masked if not is_whole(headers.get(name, ""))]
        if masked:
            told = f"The header “{masked[0]}” is masked here; a real call must have it right."
            trial.skipped("authentication", told)
            return None
        try:
            hook.verifier.before_body(headers)
            hook.verifier.over_body(headers, body, raw.received_at)
        except AuthenticationFailed as refusal:
            return trial.rejected("authentication", refusal.message, voice.refused(401, UNAUTHENTICATED))
        trial.passed("authentication")
        return None

    def _map(self, trial: Trial, raw: RawRequest, body: bytes) -> Trial:
        hook, headers, voice = raw.hook, raw.headers, raw.voice
        if not is_json(headers.get("content-type")):
            return trial.rejected("body", ONLY_JSON, voice.refused(415, ONLY_JSON))
        try:
            parsed = parse_json(body)
        except BodyRefused as refusal:
            return trial.rejected("body", refusal.reason, voice.unreadable(refusal))
        trial.passed("body", "JSON")
        self._tell_key(trial, hook, headers, parsed, body)
        violations = hook.schema.violations(parsed)
        if violations:
            detail = "; ".join(v.message for v in violations)
            told = trial.answer if raw.is_checked_later else voice.invalid(violations)
            return trial.rejected("schema", detail, told)
        trial.passed("schema")
        scope = Scope(parsed.value, raw.received_at, raw.event_id, hook.name, headers, raw.query)
        try:
            record = hook.mapping.map(scope, raw.received_at)
            order = hook.order_in(scope)
        except MappingFailed as failed:
            told = trial.answer if raw.is_checked_later else voice.failed(failed.message)
            return trial.rejected("mapping", failed.message, told)
        if hook.workflow:
            trial.passed("mapping", f"It starts the workflow “{hook.workflow}”.")
        else:
            trial.record = record
            trial.passed("mapping", f"{len(record.fields)} fields")
        if hook.order is not None and voice is not answers.OUTCOME:
            told_order = (
                f"after the others of “{key_shown(order)}”" if order else "in any order: it has no value"
            )
            trial.passed("order", told_order)
        trial.skipped("write", "A dry run writes nothing.")
        return trial

    def _tell_key(
        self, trial: Trial, hook: CompiledWebhook, headers: Mapping[str, str], parsed: Parsed, body: bytes
    ) -> None:
        if hook.key is None:
            trial.skipped("duplicate", "No dedup key is configured: every call is a new event.")
            return
        key = hook.key.read(headers, parsed.value, body)
        detail = "The call has no dedup key: it is treated as new." if key is None else f"key {key}"
        trial.passed("duplicate", detail)
