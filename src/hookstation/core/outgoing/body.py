"""The body of a delivery: an envelope, the payload as it came, or what templates make of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, assert_never
from urllib.parse import urlencode

from hookstation.core.jsontext import dump_json
from hookstation.core.outgoing.definitions import Body, BodyForm
from hookstation.core.outgoing.scope import MOST_MADE, OutgoingScope, compile_outgoing
from hookstation.core.outgoing.trees import compile_tree
from hookstation.core.outgoing.values import EventOut
from hookstation.core.outgoing.xml import root_problem, write_xml
from hookstation.core.template import MISSING
from hookstation.core.template.scope import instant_text, text_of
from hookstation.core.values import JSON, kind_of
from hookstation.errors import Invalid, MappingFailed, Problem

MOST_BYTES: Final = MOST_MADE
"""Bytes of a body that templates make."""

MOST_FIELDS: Final = 500
"""Fields of a form."""

CONTENT_TYPES: Final[Mapping[BodyForm, str]] = {
    BodyForm.ENVELOPE: "application/json",
    BodyForm.JSON: "application/json",
    BodyForm.TEMPLATE: "application/json",
    BodyForm.FORM: "application/x-www-form-urlencoded",
    BodyForm.XML: "application/xml",
    BodyForm.TEXT: "text/plain; charset=utf-8",
}
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_CONTENT_TYPE: Final = re.compile(
    rf"{_WORD}/{_WORD}(?: ?; ?{_WORD}=(?:{_WORD}|\"[^\"\\\x00-\x1f\x7f-\U0010ffff]*\"))*"
)
"""A media type of RFC 9110, section 8.3.1."""
_CHARSET: Final = re.compile(r";\s*charset\s*=\s*\"?([^\";\s]*)", re.IGNORECASE)

Render: TypeAlias = Callable[[EventOut, OutgoingScope], bytes]


class CompiledBody:
    """The body of a subscription, ready. `reads`: whether the payload must be read for it."""

    def __init__(self, content_type: str, render: Render, *, reads: bool) -> None:
        self.content_type, self.reads = content_type, reads
        self._render = render

    def render(self, event: EventOut, scope: OutgoingScope) -> bytes:
        """The bytes for one attempt. Raises `MappingFailed` naming the place."""
        return self._render(event, scope)


def compile_body(body: Body) -> CompiledBody:
    """Compile a body. Raises `Invalid` with every mistake; paths begin at the body."""
    problems = _content_type_problems(body.content_type)
    render: Render = _as_it_came
    try:
        render = _compile(body)
    except Invalid as refusal:
        problems += [problem.under("content") for problem in refusal.problems]
    if problems:
        raise Invalid(problems)
    reads = body.form not in (BodyForm.ENVELOPE, BodyForm.JSON)
    return CompiledBody(body.content_type or CONTENT_TYPES[body.form], render, reads=reads)


def _compile(body: Body) -> Render:
    match body.form:
        case BodyForm.ENVELOPE | BodyForm.JSON:
            if body.content is not None:
                raise _invalid(f"“{body.form}” takes no content: the payload goes out as it is. Take it out.")
            return _envelope if body.form is BodyForm.ENVELOPE else _as_it_came
        case BodyForm.TEMPLATE:
            return _json(body.content)
        case BodyForm.FORM:
            return _form(body.content)
        case BodyForm.XML:
            return _xml(body.content)
        case BodyForm.TEXT:
            return _text(body.content)
    assert_never(body.form)


def _invalid(message: str) -> Invalid:
    return Invalid([Problem((), message)])


def _content_type_problems(written: str) -> list[Problem]:
    place = ("content_type",)
    if not written:
        return []
    if not _CONTENT_TYPE.fullmatch(written):
        return [Problem(place, f"“{written[:60]}” is not a type of content; write it like application/json.")]
    charset = _CHARSET.search(written)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        return [Problem(place, f"bodies are written in UTF-8, not in “{charset[1]}”; leave the charset out.")]
    return []


def _as_it_came(event: EventOut, _scope: OutgoingScope) -> bytes:
    return event.payload.encode()


def _envelope(event: EventOut, _scope: OutgoingScope) -> bytes:
    """The payload is put in as text, so that it goes out to the letter."""
    head = f'{{"type":{dump_json(event.type)},"timestamp":"{instant_text(event.occurred_at)}","data":'
    return f"{head}{event.payload}}}".encode()


def _json(content: JSON) -> Render:
    if content is None:
        raise _invalid("is missing: write the JSON of the body; its texts are templates.")
    make = compile_tree(content)

    def render(_event: EventOut, scope: OutgoingScope) -> bytes:
        tree = make(scope)
        if tree is MISSING:
            raise MappingFailed("body", "the payload does not have the property that is the whole body.")
        return _bounded(dump_json(tree))

    return render


def _form(content: JSON) -> Render:
    if not isinstance(content, dict) or not content:
        raise _invalid(f"must be an object of fields and their templates, but is {kind_of(content)}.")
    problems = [
        Problem((name,), "must be a template or a single value.")
        for name, one in content.items()
        if isinstance(one, dict | list)
    ]
    if len(content) > MOST_FIELDS:
        problems.append(Problem((), f"has {len(content):,} fields; a form has at most {MOST_FIELDS}."))
    if problems:
        raise Invalid(problems)
    make = compile_tree(content)

    def render(_event: EventOut, scope: OutgoingScope) -> bytes:
        fields = make(scope)
        pairs = fields.items() if isinstance(fields, dict) else ()
        return _bounded(urlencode([(name, text_of(value)) for name, value in pairs]))

    return render


def _xml(content: JSON) -> Render:
    problem = root_problem(content)
    if problem is not None:
        raise Invalid([problem])
    make = compile_tree(content)

    def render(_event: EventOut, scope: OutgoingScope) -> bytes:
        tree = make(scope)
        return _bounded(write_xml(None if tree is MISSING else tree))

    return render


def _text(content: JSON) -> Render:
    if not isinstance(content, str) or not content:
        raise _invalid(f"must be a template, but is {kind_of(content)}.")
    template = compile_outgoing(content)

    def render(_event: EventOut, scope: OutgoingScope) -> bytes:
        try:
            return _bounded(text_of(template.evaluate(scope)))
        except MappingFailed as failed:
            raise MappingFailed("body", failed.reason) from failed

    return render


def _bounded(text: str) -> bytes:
    written = text.encode()
    if len(written) > MOST_BYTES:
        raise MappingFailed(
            "body", f"has {len(written):,} bytes; what templates make has at most {MOST_BYTES:,}."
        )
    return written
