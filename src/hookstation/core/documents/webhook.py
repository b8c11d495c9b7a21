"""An inbound webhook as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.definitions import (
    Access,
    AnswerMode,
    Check,
    Duplicates,
    Handshake,
    Limits,
    Webhook,
    WebhookState,
)
from hookstation.core.documents.action import ACTION, action_of, action_values, check_action
from hookstation.core.documents.authentication import (
    AUTHENTICATION,
    authentication_of,
    authentication_values,
    check_authentication,
)
from hookstation.core.documents.secrets import webhook_purpose
from hookstation.core.documents.work import ANSWERING, answering_values, check_answering, work_of
from hookstation.core.duplicates import compile_key
from hookstation.core.fieldlist import Kind, SecretReader, SecretWriter, Setting, Values, decode, encode
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid, Problem

WEBHOOK: Final = (
    Setting(
        "name",
        Kind.NAME,
        required=True,
        pattern="[a-z0-9-]{1,64}",
        pattern_words="lower-case letters, digits and “-”, up to 64",
        help="What commands and pages call it; unique.",
        example="course-completions",
    ),
    Setting("title", Kind.TEXT, maximum=200, help="What people call it.", example="Course completions"),
    Setting("note", Kind.TEXT, maximum=10_000, help="What people should know about it."),
    Setting(
        "state",
        Kind.CHOICE,
        default="active",
        choices=tuple(WebhookState),
        help="Only `active` takes calls; `paused` answers 503, `disabled` and `archived` 404.",
    ),
    Setting(
        "answer",
        Kind.CHOICE,
        default="outcome",
        choices=tuple(AnswerMode),
        help="What the sender's answer tells. `outcome`: the action was done, or why not. `queued`: the event is safe, "
        "the work follows. `poll`: the same, with an address at which to ask how it stands.",
    ),
    *ANSWERING,
    AUTHENTICATION,
    Setting(
        "access",
        Kind.GROUP,
        help="Who may call at all.",
        fields=(
            Setting(
                "allow",
                Kind.NETWORKS,
                minimum=1,
                help="Networks that may call; left out: any.",
                example=["203.0.113.0/24"],
            ),
            Setting("rate", Kind.RATE, help="How often, on each node; left out: unbounded.", example="100/s"),
        ),
    ),
    Setting(
        "duplicates",
        Kind.GROUP,
        help="How a repeated call is known; it gets the stored answer and has no second effect.",
        fields=(
            Setting(
                "key",
                Kind.TEXT,
                required=True,
                maximum=300,
                help="`header:NAME`, `body:PATH` or `body-hash`.",
                example="header:webhook-id",
            ),
            Setting(
                "window",
                Kind.DURATION,
                default="7d",
                minimum=1,
                maximum=366 * 86_400,
                help="How long a key is remembered.",
            ),
        ),
    ),
    Setting(
        "limits",
        Kind.GROUP,
        help="Bounds of one call.",
        fields=(
            Setting("body", Kind.SIZE, default="1MiB", minimum=1, maximum=64 * 1024**2, help="Largest body."),
            Setting(
                "time",
                Kind.DURATION,
                default="25s",
                maximum=300,
                help="Longest time until the answer; after it the sender gets 202 and a status address.",
            ),
        ),
    ),
    Setting(
        "keep_rejected_bodies",
        Kind.BOOLEAN,
        default=False,
        help="Whether the journal keeps the bodies of rejected calls.",
    ),
    Setting(
        "hold",
        Kind.BOOLEAN,
        default=False,
        help="Whether events are kept while the target is off-line or refuses our credentials (the sender gets 202), "
        "and sent in their order when it works again. Without it the sender gets 500 and has to send again; where it "
        "was answered before, the tries of `work.retry` are used up.",
    ),
    Setting(
        "search",
        Kind.BOOLEAN,
        default=True,
        help="Whether its events can be found by the words of their payloads. Turned off, payloads that come from then "
        "on are not indexed.",
    ),
    Setting(
        "schema",
        Kind.JSON,
        default=True,
        help="The JSON Schema of the body. In a config file `schema_file: PATH` reads it from a JSON file.",
        example={"type": "object", "required": ["memberId"]},
    ),
    ACTION,
    Setting(
        "workflow",
        Kind.NAME,
        help="The workflow that an event starts, instead of an action; its trigger must be `webhook`, or `change` for "
        "change notifications.",
        example="course-completed",
    ),
    Setting(
        "handshake",
        Kind.CHOICE,
        default="none",
        choices=tuple(Handshake),
        help="How the sender asks first whether anybody is there: `event-grid` answers the validation of Azure Event "
        "Grid.",
    ),
)
PARTS: Final[Mapping[str, Setting]] = {setting.name: setting for setting in WEBHOOK}
"""The settings by name, for documents that share some of them."""


def decode_webhook(document: JSON, secrets: SecretReader) -> tuple[Webhook | None, list[Problem]]:
    """The webhook, ``None`` where anything is wrong, and what is.

    Its schema and templates are not compiled here.
    """
    name = document.get("name") if isinstance(document, dict) else ""
    values, problems = decode(WEBHOOK, document, secrets, webhook_purpose(str(name)))
    problems = [_said_better(problem, document) for problem in problems]
    if isinstance(document, dict) and "schema" in document and document["schema"] is None:
        problems.append(Problem(("schema",), "is empty: write the schema, or true where any JSON is taken."))
    if all(problem.path[:1] != ("authentication",) for problem in problems):
        proof = values.group("authentication")
        problems += [problem.under("authentication") for problem in check_authentication(proof)]
    problems += check_end(values, document)
    problems += [one.under("duplicates") for one in _check_key(values.group("duplicates").text("key"))]
    problems += _check_limits(values.group("limits"))
    problems += _check_hold(values)
    problems += check_answering(values)
    return (None, problems) if problems else (_webhook(values), [])


def _said_better(problem: Problem, document: JSON) -> Problem:
    match problem.path, document:
        case ("schema_file",), _:
            return Problem(("schema_file",), ONLY_COMMANDS)
        case ("access", "allow"), {"access": {"allow": []}}:
            return Problem(
                problem.path, "is empty, which lets nobody in: leave it out where anybody may call."
            )
    return problem


def check_end(values: Values, document: JSON) -> list[Problem]:
    """An event has one end: an action, or a workflow."""
    problems = [one.under("action") for one in check_action(values.group("action"))]
    given = [
        name
        for name in ("action", "workflow")
        if isinstance(document, dict) and document.get(name) is not None
    ]
    if len(given) == 2:
        told = "cannot stand beside “action”; write one of the two."
        problems.append(Problem(("workflow",), told))
    elif not given and isinstance(document, dict):
        told = "“action” is missing. What is done with an event; or write “workflow”, the name of one that it starts."
        problems.append(Problem((), told))
    return problems


ONLY_COMMANDS: Final = "is read by the command line only; send the schema as “schema”."


def _check_key(key: str) -> list[Problem]:
    try:
        if key:
            compile_key(key)
    except Invalid as refusal:
        return [problem.under("key") for problem in refusal.problems]
    return []


def _check_limits(limits: Values) -> list[Problem]:
    if "time" in limits and limits.seconds("time") <= 0:
        return [Problem(("limits", "time"), "must be more than 0.")]
    return []


def _check_hold(values: Values) -> list[Problem]:
    if values.flag("hold") and values.group("action").text("connection") == RECORDS:
        return [
            Problem(
                ("hold",),
                f"is for targets elsewhere: “{RECORDS}” is in the station's own database, where events are written at "
                "once. Leave it out.",
            )
        ]
    return []


def _webhook(values: Values) -> Webhook:
    access, duplicates, limits = (values.group(name) for name in ("access", "duplicates", "limits"))
    return Webhook(
        name=values.text("name"),
        title=values.text("title"),
        note=values.text("note"),
        state=WebhookState(values.text("state")),
        answer=AnswerMode(values.text("answer")),
        authentication=authentication_of(values.group("authentication")),
        access=Access(access.texts("allow"), access.rate("rate")),
        duplicates=Duplicates(duplicates.text("key"), int(duplicates.seconds("window")))
        if duplicates
        else None,
        limits=Limits(limits.integer("body"), limits.seconds("time")) if limits else Limits(),
        schema=values.json("schema"),
        keep_rejected_bodies=values.flag("keep_rejected_bodies"),
        hold=values.flag("hold"),
        search=values.flag("search"),
        acknowledge=values.integer("acknowledge"),
        omit_body=values.flag("omit_body"),
        check=Check(values.text("check")),
        respond_async=values.flag("respond_async"),
        work=work_of(values.group("work")),
        action=action_of(values.group("action")) if values.group("action") else None,
        workflow=values.text("workflow"),
        handshake=Handshake(values.text("handshake")),
    )


def encode_webhook(webhook: Webhook, secrets: SecretWriter, *, defaults: bool = False) -> dict[str, JSON]:
    """The document of a webhook, with what is default or without."""
    duplicates = webhook.duplicates
    values: dict[str, object] = {
        "name": webhook.name,
        "title": webhook.title,
        "note": webhook.note,
        "state": webhook.state.value,
        "answer": webhook.answer.value,
        **answering_values(webhook),
        "authentication": authentication_values(webhook.authentication),
        "access": {"allow": list(webhook.access.allow), "rate": webhook.access.rate},
        "duplicates": {"key": duplicates.key, "window": duplicates.window} if duplicates else None,
        "limits": {"body": webhook.limits.body, "time": _seconds(webhook.limits.time)},
        "keep_rejected_bodies": webhook.keep_rejected_bodies,
        "hold": webhook.hold,
        "search": webhook.search,
        "schema": webhook.schema,
        "action": action_values(webhook.action) if webhook.action else None,
        "workflow": webhook.workflow,
        "handshake": webhook.handshake.value,
    }
    return encode(WEBHOOK, values, secrets, webhook_purpose(webhook.name), defaults=defaults)


def _seconds(time: float) -> int | Number:
    return int(time) if time == int(time) else Number(repr(time))
