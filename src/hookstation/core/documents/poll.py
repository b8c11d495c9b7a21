"""A polling webhook as a document: a source, and what is done with each item, as a webhook says it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from hookstation.core.definitions import (
    AnswerMode,
    Check,
    Duplicates,
    Limits,
    NoAuthentication,
    Webhook,
    WebhookState,
)
from hookstation.core.documents.action import action_of, action_values
from hookstation.core.documents.poll_sources import SOURCE, check_poll_source, source_of, source_values
from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.documents.webhook import ONLY_COMMANDS, PARTS, check_end
from hookstation.core.documents.work import check_answering, work_of, work_values, written_seconds
from hookstation.core.fieldlist import Kind, Setting, Values, decode, encode
from hookstation.core.polling.definitions import First, Poll, begins_with_date
from hookstation.core.template import compile_template, rewrite
from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem

DAY: Final = 86_400
KEY: Final = "body-hash"
"""What the webhook of a poll says of duplicates: the poll itself says the key of each item."""
ITEM: Final = Limits(body=16 * 1024**2)
WINDOW: Final = 90 * DAY
NO_DATES: Final = (
    "must be now or everything: this source does not say when its items came. With a cursor by a field or a watermark "
    "it does."
)

POLL: Final = (
    PARTS["name"],
    PARTS["title"],
    PARTS["note"],
    replace(PARTS["state"], help="Only an `active` one looks for anything; what it remembers stays."),
    SOURCE,
    Setting(
        "every",
        Kind.DURATION,
        minimum=1,
        maximum=366 * DAY,
        help="How often it looks; left out: when a schedule says so.",
        example="5m",
    ),
    Setting(
        "first",
        Kind.JSON,
        default="now",
        help="With what it begins: `now` takes what comes from then on, `everything` all there is, `since: DATE` what "
        "came since.",
        example={"since": "2026-01-01"},
    ),
    Setting(
        "most",
        Kind.INTEGER,
        default=500,
        minimum=1,
        maximum=10_000,
        help="So many items at most in one turn; the others come in the next.",
    ),
    Setting(
        "key",
        Kind.TEXT,
        maximum=1_000,
        help="A template over an item: one whose key came before is not new. Left out: what its source knows it by.",
        example="$$id$$",
    ),
    Setting(
        "duplicates",
        Kind.GROUP,
        help="How an item is known that came before.",
        fields=(
            Setting(
                "window",
                Kind.DURATION,
                default="90d",
                minimum=DAY,
                maximum=3_660 * DAY,
                help="How long a key is remembered.",
            ),
        ),
    ),
    PARTS["work"],
    PARTS["search"],
    replace(PARTS["schema"], help="The JSON Schema of an item. " + PARTS["schema"].help.partition(". ")[2]),
    replace(PARTS["action"], help="What is done with an item; or write `workflow`."),
    replace(
        PARTS["workflow"],
        help="The workflow that an item starts, instead of an action; its trigger must be `poll`.",
    ),
)
_NO_SECRETS: Final = PersonSecrets()


def decode_poll(document: JSON) -> tuple[Poll | None, list[Problem]]:
    """The poll, ``None`` where anything is wrong, and what is. Its schema and mapping are not compiled here."""
    values, problems = decode(POLL, document, _NO_SECRETS)
    if isinstance(document, dict) and "schema" in document and document["schema"] is None:
        problems.append(Problem(("schema",), "is empty: write the schema, or true where any JSON is taken."))
    if isinstance(document, dict) and "schema_file" in document:
        problems = [one for one in problems if one.path != ("schema_file",)]
        problems.append(Problem(("schema_file",), ONLY_COMMANDS))
    problems += [one.under("source") for one in check_poll_source(values.group("source"))]
    problems += check_end(values, document)
    problems += check_answering(Values({"answer": AnswerMode.QUEUED.value, "work": values.group("work")}))
    problems += _check_key(values.text("key"))
    if "first" in values and _first(values.json("first")) is None:
        told = "must be now, everything, or since: DATE, such as 2026-01-01 or 2026-01-01T09:00:00Z."
        problems.append(Problem(("first",), told))
    elif "first" in values and isinstance(values.json("first"), dict) and not problems:
        problems += _check_date(values)
    return (None, problems) if problems else (_poll(values), [])


def _check_key(key: str) -> list[Problem]:
    try:
        compile_template(key)
    except Invalid as refusal:
        return [problem.under("key") for problem in refusal.problems]
    return []


def _check_date(values: Values) -> list[Problem]:
    fits = begins_with_date(source_of(values.group("source")))
    return [] if fits else [Problem(("first",), NO_DATES)]


def _first(written: JSON) -> tuple[First, str] | None:
    match written:
        case str() if written in ("now", "everything"):
            return First(written), ""
        case {"since": str(since), **more} if not more:
            try:
                datetime.fromisoformat(since)
            except ValueError:
                return None
            return First.SINCE, since
    return None


def _poll(values: Values) -> Poll:
    action, (first, since) = values.group("action"), _first(values.json("first")) or (First.NOW, "")
    window = values.group("duplicates")
    webhook = Webhook(
        name=values.text("name"),
        authentication=NoAuthentication(),
        action=action_of(action) if action else None,
        title=values.text("title"),
        note=values.text("note"),
        state=WebhookState(values.text("state")),
        answer=AnswerMode.QUEUED,
        duplicates=Duplicates(KEY, int(window.seconds("window")) if window else WINDOW),
        limits=ITEM,
        schema=values.json("schema"),
        search=values.flag("search"),
        check=Check.LATER,
        work=work_of(values.group("work")),
        workflow=values.text("workflow"),
    )
    return Poll(
        webhook,
        source_of(values.group("source")),
        values.seconds("every") if "every" in values else 0.0,
        first,
        since,
        values.integer("most"),
        rewrite(values.text("key")),
    )


def encode_poll(poll: Poll, *, defaults: bool = False) -> dict[str, JSON]:
    """The document of a poll, with what is default or without."""
    webhook = poll.webhook
    values: dict[str, object] = {
        "name": webhook.name,
        "title": webhook.title,
        "note": webhook.note,
        "state": webhook.state.value,
        "source": source_values(poll.source),
        "every": written_seconds(poll.every) if poll.every else None,
        "first": {"since": poll.since} if poll.first is First.SINCE else poll.first.value,
        "most": poll.most,
        "key": poll.key,
        "duplicates": {"window": webhook.duplicates.window if webhook.duplicates else WINDOW},
        "work": work_values(webhook.work),
        "search": webhook.search,
        "schema": webhook.schema,
        "action": action_values(webhook.action) if webhook.action else None,
        "workflow": webhook.workflow,
    }
    return encode(POLL, values, _NO_SECRETS, defaults=defaults)
