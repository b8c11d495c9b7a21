"""Schemas of the OpenAPI document: workflows, schedules, polls, transfers, and what people do with them."""

from __future__ import annotations

from typing import Final

from hookstation.core.documents.poll import POLL
from hookstation.core.documents.schedule import SCHEDULE
from hookstation.core.documents.transfer import TRANSFER
from hookstation.core.documents.workflow import WORKFLOW
from hookstation.core.fieldlist import Setting, json_schema
from hookstation.core.schedules.clockwork import Change
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog import Group, Reach
from hookstation.core.workflows.gallery.template import Ask
from hookstation.core.workflows.values import RunState
from hookstation.engine.transfers.services import MOST_PREVIEWED
from hookstation.web.api.chain.run_schemas import run_schemas
from hookstation.web.api.schema_parts import (
    ANY,
    COUNT,
    FREE,
    MAYBE_TEXT,
    MOMENT,
    TEXT,
    closed,
    list_of,
    object_of,
    ref,
)

FLAG: Final[JSON] = {"type": "boolean"}
TEXTS: Final[JSON] = {"type": "array", "items": TEXT}
MAYBE_RUN: Final[JSON] = {"anyOf": [ref("Run"), {"type": "null"}]}
STANDS: Final[dict[str, JSON]] = {"standing": ref("ThingStanding"), "problem": TEXT}


def chain_schemas() -> dict[str, JSON]:
    """The schemas by name."""
    return {
        **run_schemas(),
        **_workflows(),
        **_schedules(),
        **_polls(),
        **_transfers(),
        **_gallery(),
        **_requests(),
    }


def _workflows() -> dict[str, JSON]:
    beside: dict[str, JSON] = {
        "version": COUNT,
        "runs": {"type": "object", "additionalProperties": COUNT},
        "step_count": COUNT,
        "problem": TEXT,
    }
    line: dict[str, JSON] = {"version": COUNT, "at": MOMENT, "by": TEXT, "note": TEXT}
    return {
        **_thing("Workflow", WORKFLOW, beside),
        "WorkflowVersion": object_of(("version", "at", "by", "note"), **line),
        "WorkflowVersions": list_of("WorkflowVersion"),
        "WorkflowVersionInFull": object_of(
            ("version", "at", "by", "note", "document"), **line, document=FREE
        ),
        "WorkflowDifference": object_of(
            ("path", "change", "before", "after"),
            path=TEXT,
            change={"enum": ["added", "removed", "changed"]},
            before=ANY,
            after=ANY,
        ),
        "WorkflowDifferences": list_of("WorkflowDifference"),
        "CheckedWorkflow": object_of(("problems",), problems={"type": "array", "items": ref("Detail")}),
        "DryRun": object_of(("items",), items={"type": "array", "items": ref("StepTrial")}),
        "StepTrial": object_of(
            ("path", "type", "state", "input", "output", "error", "sample"),
            path=TEXT,
            type=TEXT,
            state=TEXT,
            input=ANY,
            output=ANY,
            error=TEXT,
            sample=FLAG,
        ),
    }


def _schedules() -> dict[str, JSON]:
    beside: dict[str, JSON] = {
        "words": TEXT,
        "next": {"anyOf": [ref("Fire"), {"type": "null"}]},
        "last": MAYBE_RUN,
        "said": TEXT,
        **STANDS,
    }
    return {
        **_thing("Schedule", SCHEDULE, beside),
        "Fire": object_of(
            ("at", "local", "clock_change"),
            at=MOMENT,
            local=TEXT,
            clock_change={"enum": [*(one.value for one in Change if one.value), None]},
        ),
        "Fires": list_of("Fire"),
        "StartedRun": object_of(("run",), run=MAYBE_RUN),
        "ThingStanding": object_of(
            ("failures", "off", "succeeded_at", "failed_at", "why"),
            failures=COUNT,
            off=FLAG,
            succeeded_at=MOMENT,
            failed_at=MOMENT,
            why=TEXT,
        ),
    }


def _polls() -> dict[str, JSON]:
    beside: dict[str, JSON] = {
        "position": ref("PollPosition"),
        "last": {"anyOf": [ref("PollTurn"), {"type": "null"}]},
        "due_at": MOMENT,
        "at_work": FLAG,
        **STANDS,
    }
    return {
        **_thing("Poll", POLL, beside),
        "PollPosition": object_of(
            ("begun", "at", "seen", "failures", "asked_at", "first"),
            begun=FLAG,
            at=FREE,
            seen=COUNT,
            failures=COUNT,
            asked_at=MOMENT,
            first=MAYBE_TEXT,
        ),
        "PollTurn": object_of(
            ("at", "found", "accepted", "repeated", "more", "began", "error"),
            at=MOMENT,
            found=COUNT,
            accepted=COUNT,
            repeated=COUNT,
            more=FLAG,
            began=FLAG,
            error=TEXT,
        ),
        "TriedItem": object_of(
            ("key", "item", "new", "error", "record"), key=TEXT, item=ANY, new=FLAG, error=TEXT, record=ANY
        ),
        "TriedItems": list_of("TriedItem"),
        "Repaired": object_of(("found", "accepted"), found=COUNT, accepted=COUNT),
    }


def _transfers() -> dict[str, JSON]:
    return {
        **_thing("Transfer", TRANSFER, {"workflow": TEXT, "last": MAYBE_RUN, **STANDS}),
        "TransferPreview": object_of(
            ("columns", "rows", "text", "read"),
            columns=TEXTS,
            rows={"type": "array", "items": FREE},
            text=TEXT,
            read=COUNT,
        ),
        "TransferProgress": object_of(
            ("id", "status", "ended", "read", "of", "rows", "chunks", "bytes", "path", "error"),
            id=TEXT,
            status={"enum": list(RunState)},
            ended=FLAG,
            read=COUNT,
            of={"type": ["integer", "null"]},
            rows=COUNT,
            chunks=COUNT,
            bytes=COUNT,
            path=MAYBE_TEXT,
            error=TEXT,
        ),
    }


def _gallery() -> dict[str, JSON]:
    question = object_of(
        ("name", "title", "help", "ask", "default", "types"),
        name=TEXT,
        title=TEXT,
        help=TEXT,
        ask={"enum": list(Ask)},
        default=TEXT,
        types=TEXTS,
    )
    return {
        "GalleryTemplate": object_of(
            ("name", "title", "help", "steps", "sample", "questions"),
            name=TEXT,
            title=TEXT,
            help=TEXT,
            steps=TEXTS,
            sample=ANY,
            questions={"type": "array", "items": question},
        ),
        "Gallery": list_of("GalleryTemplate"),
        "FromGallery": object_of(
            ("document", "problems"), document=FREE, problems={"type": "array", "items": ref("Detail")}
        ),
        "StepType": object_of(
            ("type", "title", "help", "group", "reach", "settings"),
            type=TEXT,
            title=TEXT,
            help=TEXT,
            group={"enum": list(Group)},
            reach={"enum": list(Reach)},
            settings=FREE,
            templates=TEXTS,
            conditions=TEXTS,
            blocks=TEXTS,
            connections=TEXTS,
            output=MAYBE_TEXT,
            holds=TEXT,
            sample=ANY,
        ),
        "StepTypes": list_of("StepType"),
    }


def _requests() -> dict[str, JSON]:
    document: JSON = {"type": "object", "description": "As in the config file; its name may be left out."}
    return {
        "RunRequest": _example(
            closed(
                input={"description": "Any JSON: what triggers the run."},
                wait={
                    "type": "integer",
                    "minimum": 0,
                    "maximum": 60,
                    "description": "Seconds; 0: not at all.",
                },
            ),
            {"input": {"memberId": "10420", "grade": "pass"}, "wait": 30},
        ),
        "DryRunRequest": _example(
            closed(
                input={"description": "Any JSON; left out: the workflow's own sample."},
                samples={"type": "object", "description": "What steps put out, by the step's name."},
                document=document,
            ),
            {"input": {"memberId": "10420"}, "samples": {"look-up": {"status": 200, "body": {}}}},
        ),
        "StepTrialRequest": _example(
            closed(
                ("step",),
                step={"type": ["string", "object"], "description": "Its name, or the step as a document."},
                scope={
                    "type": "object",
                    "description": "What templates read: trigger, steps, vars, item, run.",
                },
                really={"type": "boolean", "description": "Ask the other system, with whatever effect."},
                document=document,
            ),
            {"step": "check", "scope": {"trigger": {"memberId": "10420"}}},
        ),
        "WorkflowCheckRequest": closed(("document",), document=document),
        "WorkflowRollbackRequest": _example(
            closed(("version",), version={"type": "integer", "minimum": 1}), {"version": 3}
        ),
        "SchedulePreviewRequest": _example(
            closed(
                ("document",), document=document, count={"type": "integer", "minimum": 1, "maximum": 1000}
            ),
            {"document": {"workflow": "nightly", "cron": "0 9 * * 1-5", "zone": "Europe/Berlin"}},
        ),
        "PollTrialRequest": closed(document=document),
        "TransferPreviewRequest": closed(
            ("document",),
            document=document,
            count={"type": "integer", "minimum": 1, "maximum": MOST_PREVIEWED},
            input={"description": "Any JSON: what a run would be given."},
        ),
        "RepairRequest": _example(
            closed(**{"from": TEXT, "to": TEXT}), {"from": "2026-11-01", "to": "2026-11-08"}
        ),
        "ResetRequest": _example(
            closed(("first",), first={"type": "string", "description": "now, everything, or a date."}),
            {"first": "2026-11-01"},
        ),
        "GalleryRequest": _example(
            closed(answers={"type": "object", "additionalProperties": TEXT}),
            {"answers": {"name": "course-completions"}},
        ),
    }


def _thing(name: str, settings: tuple[Setting, ...], beside: dict[str, JSON]) -> dict[str, JSON]:
    """The document of a kind, what is shown of one, and a list; a damaged one has only its name and its problem."""
    document = json_schema(settings)
    properties = document["properties"]
    assert isinstance(properties, dict)
    shown = {one: masked(schema) for one, schema in properties.items()}
    return {
        f"{name}Document": document,
        name: object_of(("name",), **{**shown, **beside}),
        f"{name}s": list_of(name),
    }


def masked(schema: JSON) -> JSON:
    """The schema of what is shown: a secret too, masked."""
    if isinstance(schema, dict):
        return {name: masked(one) for name, one in schema.items() if name != "writeOnly"}
    return [masked(one) for one in schema] if isinstance(schema, list) else schema


def _example(schema: dict[str, JSON], example: JSON) -> dict[str, JSON]:
    return {**schema, "examples": [example]}
