"""The dry run: the same objects as production, the verdict of each stage, and nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hookstation.core import answers
from hookstation.core.content import compressed, is_json
from hookstation.core.definitions import NoAuthentication, WebhookState
from hookstation.core.events import Answer
from hookstation.core.jsontext import Parsed, parse_json
from hookstation.core.masking import is_whole
from hookstation.core.records import Record
from hookstation.core.template import Scope
from hookstation.core.values import JSON
from hookstation.engine.ingest import MISCONFIGURED, ONLY_JSON, ONLY_PLAIN, UNAUTHENTICATED
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
        """Whether the call would have been answered with success."""
        return self.answer.status < 300

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
            "answer": parse_json(self.answer.body).value,
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
            return trial.rejected("configuration", invalid.message, answers.failed(MISCONFIGURED))
        return self.try_on(hook, body, headers, query)

    def try_on(
        self, hook: CompiledWebhook, body: bytes, headers: Mapping[str, str], query: str = ""
    ) -> Trial:
        """Climb the staircase of a webhook that need not be live, or even saved. `headers`: lower-case names.

        Headers may be those of a captured call: what is masked of them is not held against it.
        """
        trial = _tell_state(Trial(), hook.definition.state)
        now = self._clock.now()
        return self._prove(trial, hook, body, headers, now) or self._map(
            trial, hook, body, headers, query, now
        )

    def _prove(
        self, trial: Trial, hook: CompiledWebhook, body: bytes, headers: Mapping[str, str], now: int
    ) -> Trial | None:
        most = hook.definition.limits.body
        if len(body) > most:
            detail = f"The body has {len(body)} bytes, the limit is {most}."
            return trial.rejected(
                "length", detail, answers.refused(413, f"The body is larger than {most} bytes.")
            )
        trial.passed("length", f"{len(body)} bytes")
        if compressed(headers.get("content-encoding")):
            return trial.rejected("body", ONLY_PLAIN, answers.refused(415, ONLY_PLAIN))
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
            hook.verifier.over_body(headers, body, now)
        except AuthenticationFailed as refusal:
            return trial.rejected("authentication", refusal.message, answers.refused(401, UNAUTHENTICATED))
        trial.passed("authentication")
        return None

    def _map(
        self,
        trial: Trial,
        hook: CompiledWebhook,
        body: bytes,
        headers: Mapping[str, str],
        query: str,
        now: int,
    ) -> Trial:
        if not is_json(headers.get("content-type")):
            return trial.rejected("body", ONLY_JSON, answers.refused(415, ONLY_JSON))
        try:
            parsed = parse_json(body)
        except BodyRefused as refusal:
            return trial.rejected("body", refusal.reason, answers.unreadable(refusal))
        trial.passed("body", "JSON")
        self._tell_key(trial, hook, headers, parsed, body)
        violations = hook.schema.violations(parsed)
        if violations:
            detail = "; ".join(v.message for v in violations)
            return trial.rejected("schema", detail, answers.invalid(violations))
        trial.passed("schema")
        scope = Scope(parsed.value, now, self._identifiers.event_id(), hook.name, headers, query)
        try:
            trial.record = hook.mapping.map(scope, now)
        except MappingFailed as failed:
            return trial.rejected("mapping", failed.message, answers.failed(failed.message))
        trial.passed("mapping", f"{len(trial.record.fields)} fields")
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
