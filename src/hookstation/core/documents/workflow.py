"""A workflow as a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hookstation.core.condition import LONGEST as LONGEST_CONDITION
from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.documents.steps import decode_steps, encode_steps
from hookstation.core.documents.work import written_seconds
from hookstation.core.fieldlist import Kind, Setting, Values, decode, encode
from hookstation.core.jsontext import dump_json
from hookstation.core.outgoing.types import pattern_problem
from hookstation.core.template import rewrite
from hookstation.core.values import JSON
from hookstation.core.workflows.checking import check_workflow
from hookstation.core.workflows.definitions import (
    Concurrency,
    Trigger,
    TriggerKind,
    Workflow,
    WorkflowState,
)
from hookstation.errors import Problem

LARGEST: Final = 1_000_000
"""Characters of a workflow's document as JSON."""
NAME: Final = "[a-z0-9-]{1,64}"
NAME_WORDS: Final = "lower-case letters, digits and “-”, up to 64"
LONGEST_RUN: Final = 366 * 86_400

_CONDITION: Final = Setting(
    "condition",
    Kind.TEXT,
    maximum=LONGEST_CONDITION,
    help="Only what meets this condition begins a run; left out: everything.",
    example='record.entity == "Activity"',
)
TRIGGERS: Final[dict[str, tuple[Setting, ...]]] = {
    TriggerKind.MANUAL: (),
    TriggerKind.WEBHOOK: (),
    TriggerKind.SCHEDULE: (),
    TriggerKind.POLL: (),
    TriggerKind.CHANGE: (
        Setting(
            "changes",
            Kind.LIST,
            maximum=100,
            help="Changes as `Entity.Action`, `*` for any of either; left out: all.",
            example=["Party.Updated", "Event.*"],
        ),
        Setting(
            "connection",
            Kind.NAME,
            help="An `imis` connection, from which the full record is fetched; left out: it is not.",
            example="imis",
        ),
        _CONDITION,
    ),
    TriggerKind.EVENT: (
        Setting(
            "types",
            Kind.LIST,
            required=True,
            minimum=1,
            maximum=100,
            help="Types of the station's events. `*` stands for one word, at the end for one or more.",
            example=["record.inserted"],
        ),
        _CONDITION,
    ),
    TriggerKind.WORKFLOW: (),
}
WORKFLOW: Final = (
    Setting(
        "name",
        Kind.NAME,
        required=True,
        pattern=NAME,
        pattern_words=NAME_WORDS,
        help="What commands and pages call it; unique.",
        example="course-completed",
    ),
    Setting("title", Kind.TEXT, maximum=200, help="What people call it.", example="Course completed"),
    Setting("note", Kind.TEXT, maximum=10_000, help="What people should know about it."),
    Setting(
        "state",
        Kind.CHOICE,
        default="active",
        choices=tuple(WorkflowState),
        help="Only of an `active` one runs begin; those that began go on in any state.",
    ),
    Setting(
        "trigger",
        Kind.ONE_OF,
        default={"type": TriggerKind.MANUAL.value},
        variants=TRIGGERS,
        help="What begins a run. A person may begin one of any active workflow, and so may a step `workflow`; "
        "webhooks, polls and schedules name the workflow themselves.",
        example={"type": "event", "types": ["record.inserted"]},
    ),
    Setting(
        "concurrency",
        Kind.GROUP,
        help="How many runs are at work at the same time.",
        fields=(
            Setting(
                "runs",
                Kind.INTEGER,
                minimum=1,
                maximum=10_000,
                help="So many at once, all nodes together; waiting ones do not count. Left out: any number.",
            ),
            Setting(
                "key",
                Kind.TEXT,
                maximum=1_000,
                help="A template over what triggers the run: runs with the same value go one after the other.",
                example="$$trigger.memberId$$",
            ),
        ),
    ),
    Setting(
        "time",
        Kind.DURATION,
        minimum=1,
        maximum=LONGEST_RUN,
        help="After so long a run is given up; left out: never.",
        example="1h",
    ),
    Setting("sample", Kind.JSON, help="What triggers it, for trying and for the editor."),
    Setting(
        "samples",
        Kind.MAPPING,
        maximum=500,
        help="What steps put out, by step, for trying and for the editor; the sample of its type stands for one that "
        "is left out.",
        example={"find": [{"ID": "1042"}]},
    ),
    Setting(
        "steps",
        Kind.JSON,
        required=True,
        help="The steps, one after the other.",
        example=[{"name": "check", "type": "validate", "with": {"schema": {"type": "object"}}}],
    ),
)
_NO_SECRETS: Final = PersonSecrets()


def decode_workflow(document: JSON) -> tuple[Workflow | None, list[Problem]]:
    """The workflow, ``None`` where anything is wrong, and what is: its templates and conditions are compiled.

    Its schemas are not compiled here, and nothing that it names outside itself is looked for.
    """
    values, problems = decode(WORKFLOW, document, _NO_SECRETS)
    if len(dump_json(document)) > LARGEST:
        told = f"has more than {LARGEST:,} characters; put a part into a workflow of its own."
        return None, [*problems, Problem((), told)]
    trigger = values.group("trigger")
    problems += [problem.under("trigger") for problem in _check_trigger(trigger)]
    steps, wrong = decode_steps(values.json("steps")) if "steps" in values else ((), [])
    problems += [problem.under("steps") for problem in wrong]
    workflow = Workflow(
        name=values.text("name"),
        steps=steps,
        title=values.text("title"),
        note=values.text("note"),
        state=WorkflowState(values.text("state") or WorkflowState.ACTIVE),
        trigger=_trigger(trigger),
        concurrency=_concurrency(values.group("concurrency")),
        time=values.seconds("time") if "time" in values else 0.0,
        sample=values.json("sample"),
        samples=values.mapping("samples"),
    )
    problems += check_workflow(workflow)
    return (None, problems) if problems else (workflow, [])


def _check_trigger(trigger: Values) -> Iterator[Problem]:
    for index, pattern in enumerate(trigger.texts("types")):
        if (problem := pattern_problem(pattern)) is not None:
            yield problem.under("types", index)
    for index, change in enumerate(trigger.texts("changes")):
        if not _is_change(change):
            told = f"“{change[:60]}” is not a change; write Entity.Action, such as Party.Updated or Event.*."
            yield Problem(("changes", index), told)


def _is_change(text: str) -> bool:
    entity, dot, action = text.partition(".")
    parts = (entity, action) if dot else (entity,)
    return all(part == "*" or (part.isascii() and part.replace("_", "a").isalnum()) for part in parts)


def _trigger(values: Values) -> Trigger:
    return Trigger(
        TriggerKind(values.text("type") or TriggerKind.MANUAL),
        values.texts("types"),
        values.texts("changes"),
        values.text("connection"),
        values.text("condition").strip(),
    )


def _concurrency(values: Values) -> Concurrency:
    return Concurrency(values.optional_integer("runs") or 0, rewrite(values.text("key")))


def encode_workflow(workflow: Workflow, *, defaults: bool = False) -> dict[str, JSON]:
    """The document of a workflow, with what is default or without."""
    trigger, concurrency = workflow.trigger, workflow.concurrency
    values: dict[str, object] = {
        "name": workflow.name,
        "title": workflow.title,
        "note": workflow.note,
        "state": workflow.state.value,
        "trigger": None
        if trigger == Trigger() and not defaults
        else {
            "type": trigger.kind.value,
            "types": list(trigger.types),
            "changes": list(trigger.changes),
            "connection": trigger.connection,
            "condition": trigger.condition,
        },
        "concurrency": {"runs": concurrency.runs or None, "key": concurrency.key},
        "time": written_seconds(workflow.time) if workflow.time else None,
        "sample": workflow.sample,
        "samples": dict(workflow.samples) or None,
        "steps": encode_steps(workflow.steps, defaults=defaults),
    }
    return encode(WORKFLOW, values, _NO_SECRETS, defaults=defaults)
