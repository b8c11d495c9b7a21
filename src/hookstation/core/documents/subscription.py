"""A subscription as a document: which events go to a destination, and as what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.condition import LONGEST as LONGEST_CONDITION
from hookstation.core.documents.action import LONGEST_TEMPLATE
from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.fieldlist import Kind, Setting, Values, decode, encode
from hookstation.core.outgoing.body import MOST_FIELDS
from hookstation.core.outgoing.definitions import Body, BodyForm, Subscription
from hookstation.core.outgoing.headers import MOST as MOST_HEADERS
from hookstation.core.outgoing.subscribing import METHODS, compile_subscription
from hookstation.core.template import rewrite
from hookstation.core.values import JSON, kind_of
from hookstation.errors import Invalid, Problem

MOST_EVENTS: Final = 100

_NAME: Final = "[a-z0-9-]{1,64}"
_NAME_WORDS: Final = "lower-case letters, digits and “-”, up to 64"
_CONTENT_TYPE: Final = Setting(
    "content_type",
    Kind.TEXT,
    maximum=200,
    help="The `Content-Type` of the request; left out, the usual one of its kind.",
    example="application/vnd.example+json",
)
_ELEMENTS: Final = "`@name` members are attributes, `#text` is text, a list repeats its element."
FORMS: Final[Mapping[str, tuple[Setting, ...]]] = {
    BodyForm.ENVELOPE: (_CONTENT_TYPE,),
    BodyForm.JSON: (_CONTENT_TYPE,),
    BodyForm.TEMPLATE: (
        Setting(
            "content",
            Kind.JSON,
            required=True,
            help="Any JSON; every text in it is a template over the payload.",
            example={"id": "$$member.id$$", "source": "station"},
        ),
        _CONTENT_TYPE,
    ),
    BodyForm.FORM: (
        Setting(
            "content",
            Kind.MAPPING,
            required=True,
            minimum=1,
            maximum=MOST_FIELDS,
            help="Fields of the form and their templates.",
            example={"member": "$$member.id$$"},
        ),
        _CONTENT_TYPE,
    ),
    BodyForm.XML: (
        Setting(
            "content",
            Kind.MAPPING,
            required=True,
            minimum=1,
            maximum=1,
            help=f"The root element; every text inside is a template. {_ELEMENTS}",
            example={"order": {"@id": "$$order.id$$", "total": "$$amount$$"}},
        ),
        _CONTENT_TYPE,
    ),
    BodyForm.TEXT: (
        Setting(
            "content",
            Kind.TEXT,
            required=True,
            maximum=LONGEST_TEMPLATE,
            help="A template over the payload.",
            example="{{ member.id }} has paid {{ amount }}",
        ),
        _CONTENT_TYPE,
    ),
}
SUBSCRIPTION: Final = (
    Setting(
        "name",
        Kind.NAME,
        required=True,
        pattern=_NAME,
        pattern_words=_NAME_WORDS,
        help="What commands and pages call it; unique.",
        example="crm-members",
    ),
    Setting("title", Kind.TEXT, maximum=200, help="What people call it.", example="Members for the CRM"),
    Setting("note", Kind.TEXT, maximum=10_000, help="What people should know about it."),
    Setting(
        "active",
        Kind.BOOLEAN,
        default=True,
        help="Whether it takes part. Events that happen while it does not are not delivered by it, then or later.",
    ),
    Setting(
        "events",
        Kind.LIST,
        required=True,
        minimum=1,
        maximum=MOST_EVENTS,
        help="Types of events. `*` stands for one word, at the end for one or more, and alone for everything.",
        example=["record.*", "inbound.course-completions"],
    ),
    Setting(
        "destination",
        Kind.NAME,
        required=True,
        pattern=_NAME,
        pattern_words=_NAME_WORDS,
        help="The name of the destination.",
        example="crm",
    ),
    Setting(
        "condition",
        Kind.TEXT,
        maximum=LONGEST_CONDITION,
        help="Only events whose payload meets this condition are delivered; left out: all of these types.",
        example='record.entity == "Activity" and exists(fields.ID)',
    ),
    Setting("method", Kind.CHOICE, default="POST", choices=METHODS, help="The method of the request."),
    Setting(
        "body",
        Kind.ONE_OF,
        default={"type": BodyForm.ENVELOPE.value},
        variants=FORMS,
        help="What is sent. `envelope`: `type`, `timestamp` and the payload as `data`; `json`: the payload exactly as "
        "it came; the others are made by templates.",
        example={"type": "template", "content": {"id": "$$member.id$$"}},
    ),
    Setting(
        "headers",
        Kind.MAPPING,
        maximum=MOST_HEADERS,
        help="Headers and their templates. Those of HTTP, of signatures and of authentication cannot be set here.",
        example={"X-Source": "hookstation"},
    ),
)
_NO_SECRETS: Final = PersonSecrets()
"""A subscription has none: what is secret belongs to its destination."""


def decode_subscription(document: JSON) -> tuple[Subscription | None, list[Problem]]:
    """The subscription, ``None`` where anything is wrong, and what is. Its templates and condition are compiled."""
    values, problems = decode(SUBSCRIPTION, document, _NO_SECRETS)
    problems += _header_problems(values.mapping("headers"))
    if problems:
        return None, problems
    subscription = _subscription(values)
    try:
        compile_subscription(subscription)
    except Invalid as refusal:
        return None, list(refusal.problems)
    return subscription, []


def _header_problems(headers: Mapping[str, JSON]) -> list[Problem]:
    return [
        Problem(("headers", name), f"must be a template (text), but is {kind_of(one)}.")
        for name, one in headers.items()
        if not isinstance(one, str)
    ]


def _subscription(values: Values) -> Subscription:
    body = values.group("body")
    return Subscription(
        name=values.text("name"),
        destination=values.text("destination"),
        events=values.texts("events"),
        title=values.text("title"),
        note=values.text("note"),
        active=values.flag("active"),
        condition=values.text("condition").strip(),
        method=values.text("method"),
        body=Body(BodyForm(body.text("type")), _rewritten(body.json("content")), body.text("content_type")),
        headers={name: rewrite(str(one)) for name, one in values.mapping("headers").items()},
    )


def _rewritten(content: JSON) -> JSON:
    """The content with every template in the form in which it is saved."""
    match content:
        case str():
            return rewrite(content)
        case dict():
            return {name: _rewritten(one) for name, one in content.items()}
        case list():
            return [_rewritten(one) for one in content]
    return content


def encode_subscription(subscription: Subscription, *, defaults: bool = False) -> dict[str, JSON]:
    """The document of a subscription, with what is default or without."""
    body = subscription.body
    usual = body == Body() and not defaults
    values: dict[str, object] = {
        "name": subscription.name,
        "title": subscription.title,
        "note": subscription.note,
        "active": subscription.active,
        "events": list(subscription.events),
        "destination": subscription.destination,
        "condition": subscription.condition,
        "method": subscription.method,
        "body": None
        if usual
        else {"type": body.form.value, "content": body.content, "content_type": body.content_type},
        "headers": dict(subscription.headers),
    }
    return encode(SUBSCRIPTION, values, _NO_SECRETS, defaults=defaults)
