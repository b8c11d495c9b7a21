"""Schemas of the OpenAPI document: runs, their steps, and what they wait for."""

from __future__ import annotations

from typing import Final

from hookstation.core.definitions import Fault
from hookstation.core.events import State
from hookstation.core.values import JSON
from hookstation.core.workflows.values import EntryState, RunState, WaitKind
from hookstation.web.api.schema_parts import (
    ANY,
    COUNT,
    MAYBE_TEXT,
    MOMENT,
    TEXT,
    closed,
    list_of,
    object_of,
    ref,
)

FLAG: Final[JSON] = {"type": "boolean"}
REQUIRED: Final = (
    "id", "kind", "event_id", "webhook", "workflow", "status", "state", "parked", "attempts", "error",
)  # fmt: skip


def run_schemas() -> dict[str, JSON]:
    """The schemas by name."""
    line: dict[str, JSON] = {
        "id": TEXT,
        "kind": {"enum": ["webhook", "workflow", "transfer"]},
        "event_id": MAYBE_TEXT,
        "webhook": MAYBE_TEXT,
        "workflow": MAYBE_TEXT,
        "transfer": MAYBE_TEXT,
        "version": COUNT,
        "trigger": TEXT,
        "status": {"enum": list(RunState)},
        "state": {
            "enum": [*dict.fromkeys([*(one.value for one in State), *(one.value for one in RunState)])]
        },
        "parked": FLAG,
        "order": MAYBE_TEXT,
        "behind": FLAG,
        "at_work": FLAG,
        "attempts": COUNT,
        "queued_at": MOMENT,
        "started_at": MOMENT,
        "ended_at": MOMENT,
        "next_try_at": MOMENT,
        "error": TEXT,
        "reason": TEXT,
        "parent": MAYBE_TEXT,
        "source": MAYBE_TEXT,
    }
    waits: JSON = {"type": "array", "items": ref("Wait")}
    return {
        "Run": object_of(REQUIRED, **line),
        "Runs": list_of("Run"),
        "RunInFull": object_of(REQUIRED, **line, input=ANY, facts=ANY, output=ANY, answer=ANY, waits=waits),
        **_steps(),
        **_waits(),
        **_requests(),
    }


def _steps() -> dict[str, JSON]:
    return {
        "RunStep": object_of(
            (
                "number",
                "path",
                "step",
                "state",
                "attempt",
                "started_at",
                "ended_at",
                "input",
                "output",
                "error",
            ),
            number=COUNT,
            path=TEXT,
            step=TEXT,
            state={"enum": list(EntryState)},
            attempt=COUNT,
            started_at=MOMENT,
            ended_at=MOMENT,
            microseconds={"type": ["integer", "null"]},
            due_at=MOMENT,
            input=ANY,
            output=ANY,
            error=TEXT,
            fault={"enum": [*(one.value for one in Fault), None]},
        ),
        "RunSteps": list_of("RunStep"),
    }


def _waits() -> dict[str, JSON]:
    wait: dict[str, JSON] = {
        "run_id": TEXT,
        "path": TEXT,
        "kind": {"enum": list(WaitKind)},
        "person": MAYBE_TEXT,
        "title": TEXT,
        "expires_at": MOMENT,
    }
    required = ("run_id", "path", "kind", "person", "title", "expires_at")
    return {
        "Wait": object_of(required, **wait),
        "Waits": list_of("Wait"),
        "Approval": object_of(required, **wait, step=TEXT, workflow=MAYBE_TEXT, trigger=MAYBE_TEXT),
        "Approvals": list_of("Approval"),
        "Decision": object_of(
            ("run_id", "path", "approved", "note", "by", "person", "for_another"),
            run_id=TEXT,
            path=TEXT,
            approved=FLAG,
            note=TEXT,
            by=TEXT,
            person=TEXT,
            for_another=FLAG,
        ),
    }


def _requests() -> dict[str, JSON]:
    return {
        "RetryRequest": {
            **closed(
                whole={"type": "boolean", "description": "All steps anew; else from the one that failed."},
                input={
                    "description": "Any JSON: another input, for all steps anew; what is masked (***) stays."
                },
            ),
            "examples": [{"whole": True}],
        },
        "StepRequest": {
            **closed(
                ("path", "happened"),
                path={"type": "string", "description": "The step's path, as the run's steps show it."},
                happened={"type": "boolean", "description": "Whether the step had its effect."},
                output={"description": "Any JSON: what it put out, where it had."},
            ),
            "examples": [{"path": "send", "happened": True, "output": {"status": 200}}],
        },
        "ExpressionTrial": object_of(("value", "missing", "error"), value=ANY, missing=FLAG, error=TEXT),
        "ExpressionRequest": {
            **closed(
                template={"description": "A template, or any JSON whose texts are templates."},
                condition={"type": "string", "description": "A condition, instead of a template."},
            ),
            "examples": [{"template": "$$steps.find.records[0].ID$$"}],
        },
        "DecisionRequest": {
            **closed(
                ("path", "approved"),
                path={"type": "string", "description": "The step's path, as the run's steps show it."},
                approved=FLAG,
                note=TEXT,
            ),
            "examples": [{"path": "approval", "approved": True, "note": "As agreed"}],
        },
    }
